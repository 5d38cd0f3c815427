// Command rewriter runs the finalizer's two passes over a file, in a process of
// its own, so that the bench can tell what they take.
//
//	rewriter IN OUT SHA-256
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"parley/projections/recording"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "rewriter: give the file to read, the one to write, and the checksum that the first must have")
		os.Exit(2)
	}
	if err := rewrite(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "rewriter:", err)
		os.Exit(1)
	}
}

func rewrite(from, to, sha256 string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	file, err := in.Stat()
	if err != nil {
		return err
	}
	plan, err := recording.Inspect(in, recording.Claim{ContentType: "audio/webm", Size: file.Size(), SHA256: sha256})
	if err != nil {
		return err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return plan.Rewrite(out, in)
}
