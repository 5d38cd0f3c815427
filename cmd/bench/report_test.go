package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestLinesAreJSONOnly(t *testing.T) {
	var out strings.Builder
	l := newLines(&out)
	l.began()
	l.add(beside("append_1", 3000, perSecond, 4000), alone("fsync", 5000, "writes/s"))
	want := `{"name":"append_1","value":3000,"unit":"events/s","baseline":4000,"ratio":0.75}` + "\n" +
		`{"name":"fsync","value":5000,"unit":"writes/s","baseline":null,"ratio":null}` + "\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTableHasALineForEachFigure(t *testing.T) {
	var out strings.Builder
	table := newTable(&out)
	table.began()
	table.add(beside("append_256", 20_000, perSecond, 4_000), alone("fsync_p50", 0.1234, milliseconds))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for line, words := range map[int]string{
		2: "append_256 20000 events/s 4000 5.00",
		3: "fsync_p50 0.12 ms",
	} {
		if got := strings.Join(strings.Fields(lines[line]), " "); got != words {
			t.Errorf("line %d: %q, want %q", line, got, words)
		}
	}
}

func TestReportsRememberFigures(t *testing.T) {
	var out strings.Builder
	for name, r := range map[string]report{"lines": newLines(&out), "table": newTable(&out)} {
		t.Run(name, func(t *testing.T) {
			r.add(alone("append_256", 20_000, perSecond))
			if got := r.value("append_256"); got != 20_000 {
				t.Errorf("a figure reads %v", got)
			}
			if got := r.value("append_1"); got != 0 {
				t.Errorf("one that is not there reads %v", got)
			}
		})
	}
}

func TestNothingIsComparedWithNothing(t *testing.T) {
	text, err := json.Marshal(beside("append_http_256", 900, perSecond, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"ratio":null`) {
		t.Fatalf("%s", text)
	}
}
