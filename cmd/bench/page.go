package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// page measures what the page costs in a real browser: until a call stands, until
// the tutor answers, for each second that is recorded, until a talk is saved. The
// script that does it is one of the browser's tests' neighbours and starts the
// program itself.
func (b *bench) page(ctx context.Context) error {
	root := filepath.Dir(filepath.Dir(b.program))
	browser, err := spoken(exec.CommandContext(ctx, filepath.Join(root, ".ci", "chromium")))
	if err != nil {
		return err
	}
	script := exec.CommandContext(ctx, "node", "e2e/measure.mjs")
	script.Dir = filepath.Join(root, "web")
	script.Env = append(os.Environ(), "PARLEY_CHROMIUM="+strings.TrimSpace(string(browser)))
	told, err := spoken(script)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(told) {
		var f figure
		if err := json.Unmarshal(line, &f); err != nil {
			return fmt.Errorf("%s told %q: %w", script, line, err)
		}
		if f.Baseline != nil {
			f = beside(f.Name, f.Value, f.Unit, *f.Baseline)
		}
		b.report.add(f)
	}
	return nil
}

// spoken is what a command writes to its standard output; what it says besides
// stands in the error.
func spoken(cmd *exec.Cmd) ([]byte, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", cmd, err, said.Bytes())
	}
	return out, nil
}
