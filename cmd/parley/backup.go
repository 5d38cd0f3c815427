package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/events/jetstream"
)

// backup writes log, keys and ledger of a running instance into a folder, and
// tries it out. Recordings stay in the store, which has backups of its own.
func backup(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "backup")
	var at kept
	set.StringVar(&at.dir, "to", "", "the `folder` to write; it must be empty, or is made")
	set.StringVar(&at.keys, "keys-to", "", "another such `folder`, for the keys: they open what the rest holds")
	asJSON := set.Bool("json", false, "print the manifest")
	reason := reasonFlag(set)
	if err := parse(set, args); err != nil {
		return err
	}
	if at.dir == "" || set.NArg() > 0 {
		return misused("name a folder: parley backup --to DIR")
	}
	if err := at.makeFolders(); err != nil {
		return err
	}
	to, err := reachInstance(t, *data)
	if err != nil {
		return err
	}
	from, err := foreignSite(to.config, *to.servers.NATS)
	if err != nil {
		return err
	}
	var made manifest
	if err = record(ctx, from.trails(), act{does: "backup", reason: *reason}); err == nil {
		made, err = from.backUp(ctx, at, t)
	}
	if err = errors.Join(err, from.close()); err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(t.out).Encode(made)
	}
	return made.print(t.out, at)
}

// makeFolders makes what a backup is written to.
func (k kept) makeFolders() error {
	err := emptyFolder(k.dir)
	if err == nil && k.keys != "" {
		err = emptyFolder(k.keys)
	}
	return err
}

// emptyFolder makes a folder, or finds it empty: a backup is never written over
// another one.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", dir, err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into folder %s: %w", dir, err)
	}
	if len(there) > 0 {
		return events.Errorf(events.CodeInvalid, "%s is not empty; name a new folder", dir)
	}
	return nil
}

// backUp writes every stream, reads all back, and restores it on trial.
func (s *site) backUp(ctx context.Context, at kept, t terminal) (manifest, error) {
	m := manifest{Format: manifestFormat, Parley: version, MadeAt: time.Now().UTC().Truncate(time.Second)}
	live, err := s.archive.Keys(ctx)
	if err != nil {
		return m, err
	}
	if live != nil {
		m.Vault = live.Vault
	}
	for _, f := range files {
		p, err := s.pack(ctx, at, f.stream, f.name, t.progress("writing "+f.name))
		if err != nil {
			return m, err
		}
		m.Streams = append(m.Streams, p)
	}
	m.Epoch = m.of(jetstream.LogStream).Epoch
	if at.keys != "" {
		if err := syncFolder(at.keys); err != nil {
			return m, err
		}
	}
	if err := m.write(at.dir); err != nil {
		return m, err
	}
	return verified(ctx, at, m, t)
}

// verified reads a backup as restore would, and tries it out. One that fails loses
// its manifest, so that nobody takes it for a backup.
func verified(ctx context.Context, at kept, m manifest, t terminal) (manifest, error) {
	_, err := openBackup(at)
	if err == nil {
		err = tryOut(ctx, at, m, t)
	}
	if err != nil {
		err = errors.Join(within("the backup was written, but cannot be restored", err), os.Remove(filepath.Join(at.dir, manifestFile)))
	}
	return m, err
}

// roomFor refuses to begin what would fill the disk: a file and its trial.
func roomFor(dir string, bytes uint64) error {
	room, err := roomAt(dir)
	if err != nil {
		return err
	}
	if need := 2*bytes + roomLeast; room < need {
		return events.Errorf(events.CodeTooLarge, "%d MiB are free for %s, %d MiB are needed", room>>20, dir, need>>20)
	}
	return nil
}

// pack writes one stream's file.
func (s *site) pack(ctx context.Context, at kept, stream jetstream.Stream, name string, shown *progress) (p packed, err error) {
	defer shown.end()
	if stream, err = s.stream(ctx, stream); err != nil {
		return p, err
	}
	there, err := s.archive.Contents(ctx, stream)
	if err != nil {
		return p, err
	}
	path := at.path(packed{Contents: there, File: name})
	if err := roomFor(filepath.Dir(path), there.Bytes); err != nil {
		return p, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return p, err
	}
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(file, sum), passed: func(n int64) { shown.at(uint64(n), there.Bytes) }}
	p.Contents, err = s.archive.Snapshot(ctx, stream, counted)
	if err == nil { // snapshots are compressed: fewer bytes are all of them
		shown.at(there.Bytes, there.Bytes)
	}
	p.File, p.Size, p.SHA256 = name, counted.n, hex.EncodeToString(sum.Sum(nil))
	return p, errors.Join(err, file.Sync(), file.Close())
}

// counter counts what passes, and tells of it.
type counter struct {
	w      io.Writer
	n      int64
	passed func(n int64)
}

// Write passes bytes on.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.passed(c.n)
	return n, err
}

func (m manifest) print(w io.Writer, at kept) error {
	fmt.Fprintf(w, "backup of %s in %s, read back and restored on trial\n", stamp(m.MadeAt), at.dir)
	if at.keys != "" {
		fmt.Fprintf(w, "its keys are in %s; restore finds them there by --keys-from\n", at.keys)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tMESSAGES\tPOSITIONS\tBYTES\tSHA-256")
	for _, p := range m.Streams {
		positions := "-"
		if p.Messages > 0 {
			positions = p.First.String() + "-" + p.Last.String()
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\t%s\n", p.File, p.Messages, positions, p.Size, p.SHA256[:16])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "Not in it: the master key, without which it cannot be read; keep that apart. Recordings: they are in the store.")
	return err
}
