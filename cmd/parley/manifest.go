package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"parley/events"
	"parley/events/jetstream"
)

// manifest is the last file of a backup to be written: a backup without it was cut
// short, and with it each file can be checked.
type manifest struct {
	Format  int       `json:"format"`
	Parley  string    `json:"parley"` // version that made it
	MadeAt  time.Time `json:"made_at"`
	Epoch   string    `json:"epoch"` // of the log
	Vault   string    `json:"vault"` // which one its keys are of
	Streams []packed  `json:"streams"`
}

// packed is one stream of a backup.
type packed struct {
	jetstream.Contents
	File   string `json:"file"`
	Size   int64  `json:"size"`   // of the file, bytes
	SHA256 string `json:"sha256"` // of the file, hex
}

const (
	manifestFormat = 1
	manifestFile   = "manifest.json"
)

// kept is where a backup lies: its keys may lie in a folder apart.
type kept struct{ dir, keys string }

// path is where a stream's file is.
func (k kept) path(p packed) string {
	if p.Stream.IsKeys() && k.keys != "" {
		return filepath.Join(k.keys, p.File)
	}
	return filepath.Join(k.dir, p.File)
}

// files are the streams of a backup, in the order in which they are taken: each key
// is older than what is sealed under it, so the keys are taken after the log and none
// is missing; and the ledger is the newest of all.
var files = []struct {
	stream jetstream.Stream
	name   string
}{
	{jetstream.LogStream, "log.snapshot"},
	{jetstream.KeyStream, "keys.snapshot"},
	{jetstream.LedgerStream, "ledger.snapshot"},
}

// of finds a stream's entry; that of the keys may be of any generation.
func (m manifest) of(stream jetstream.Stream) packed {
	i := slices.IndexFunc(m.Streams, func(p packed) bool {
		return p.Stream == stream || stream == jetstream.KeyStream && p.Stream.IsKeys()
	})
	if i < 0 {
		return packed{Contents: jetstream.Contents{Stream: stream}}
	}
	return m.Streams[i]
}

// openBackup reads a backup's manifest and holds every file against it. Errors:
// CodeInvalid, which says what is missing or changed.
func openBackup(at kept) (manifest, error) {
	m, err := readManifest(at.dir)
	for _, f := range files {
		if err == nil {
			err = m.of(f.stream).check(at)
		}
	}
	return m, err
}

// openLedger is openBackup where only the ledger is needed; the keys may be anywhere.
func openLedger(dir string) (manifest, error) {
	m, err := readManifest(dir)
	if err == nil {
		err = m.of(jetstream.LedgerStream).check(kept{dir: dir})
	}
	return m, err
}

func readManifest(dir string) (manifest, error) {
	var m manifest
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, events.Errorf(events.CodeInvalid, "%s holds no %s: it is no backup, or one that was cut short; use another", dir, manifestFile)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, events.Wrap(err, events.CodeInvalid, filepath.Join(dir, manifestFile)+" cannot be read; use another backup")
	}
	if m.Format != manifestFormat {
		return m, events.Errorf(events.CodeInvalid, "%s is a backup of format %d; this program reads format %d", dir, m.Format, manifestFormat)
	}
	return m, nil
}

// check holds a file against its entry.
func (p packed) check(at kept) error {
	if p.File == "" || p.File != filepath.Base(p.File) {
		return events.Errorf(events.CodeInvalid, "the manifest of %s names no file for %s; use another backup", at.dir, p.Stream)
	}
	path := at.path(p)
	file, err := os.Open(path)
	switch {
	case err != nil && p.Stream.IsKeys():
		return events.Wrap(err, events.CodeInvalid, "the backup's "+p.File+" cannot be read; name its folder with --keys-from")
	case err != nil:
		return events.Wrap(err, events.CodeInvalid, "the backup's "+p.File+" cannot be read; put it beside the manifest")
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	switch {
	case err != nil:
		return events.Wrap(err, events.CodeInvalid, "the backup's "+p.File+" cannot be read")
	case size != p.Size:
		return events.Errorf(events.CodeInvalid, "%s holds %d bytes, not %d: it was cut short; use another backup", path, size, p.Size)
	case hex.EncodeToString(sum.Sum(nil)) != p.SHA256:
		return events.Errorf(events.CodeInvalid, "%s is damaged: its SHA-256 is not that of the manifest; use another backup", path)
	}
	return nil
}

// write puts the manifest in place whole or not at all.
func (m manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, "."+manifestFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(draft, string(text))
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), filepath.Join(dir, manifestFile)); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder puts the names of new files on the disk.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
