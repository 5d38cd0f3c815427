package http

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"time"

	"parley/events"
)

// ManifestFormat names the form of an export; another form has another name.
const ManifestFormat = "parley-export/1"

// Manifest is the last entry of an export, manifest.json: what is in it, and what
// should be and is not.
type Manifest struct {
	Format   string          `json:"format"`
	MadeAt   time.Time       `json:"made_at"`
	Position events.Position `json:"position"` // what was in the log up to here is in the export; later things may be
	Complete bool            `json:"complete"` // nothing is missing
	Counts   ManifestCounts  `json:"counts"`
	Entries  []ManifestEntry `json:"entries"`
	Missing  []MissingEntry  `json:"missing"`
}

// ManifestCounts count what is in an export, whole.
type ManifestCounts struct {
	Sessions   int `json:"sessions"`
	Topics     int `json:"topics"`
	Recordings int `json:"recordings"`
	AuditLines int `json:"audit_lines"`
}

// ManifestEntry is one file of an export, also one that broke off.
type ManifestEntry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // hex
}

// MissingEntry is a file or folder that is not in an export, or not whole.
type MissingEntry struct {
	Name    string `json:"name"`
	Because string `json:"because"`
}

// archive is a zip on its way to a browser. Entries are stored as they are:
// sound does not deflate. It holds no content, only what the manifest will say.
type archive struct {
	out      *faithful
	zip      *zip.Writer
	manifest Manifest
}

func newArchive(to io.Writer, at events.Position, now time.Time) *archive {
	out := &faithful{to: to}
	return &archive{out, zip.NewWriter(out), Manifest{
		Format: ManifestFormat, MadeAt: now.UTC(), Position: at, Entries: []ManifestEntry{}, Missing: []MissingEntry{},
	}}
}

// faithful remembers that writing failed, so that a reader who left is never
// taken for a source that broke off.
type faithful struct {
	to  io.Writer
	err error
}

// Write fails for ever after its first failure.
func (f *faithful) Write(p []byte) (n int, err error) {
	if f.err == nil {
		n, f.err = f.to.Write(p)
	}
	return n, f.err
}

// put adds an entry; nil: it is missing, or not whole.
func (a *archive) put(name string, write func(io.Writer) error) *ManifestEntry {
	entry, err := a.create(name)
	if err != nil {
		a.out.err = errors.Join(a.out.err, err)
		return nil
	}
	err = write(entry)
	a.manifest.Entries = append(a.manifest.Entries, ManifestEntry{name, entry.size, hex.EncodeToString(entry.sum.Sum(nil))})
	if err != nil {
		a.miss(name, err)
		return nil
	}
	return &a.manifest.Entries[len(a.manifest.Entries)-1]
}

func (a *archive) putJSON(name string, value any) {
	a.put(name, func(w io.Writer) error { return json.NewEncoder(w).Encode(value) })
}

// miss says why something is missing, as a problem would.
func (a *archive) miss(name string, err error) { a.missing(name, problemOf(err).Detail) }

func (a *archive) missing(name, because string) {
	a.manifest.Missing = append(a.manifest.Missing, MissingEntry{name, because})
}

// abandoned tells whether the reader is gone.
func (a *archive) abandoned() bool { return a.out.err != nil }

// close writes the manifest and ends the zip. Error: the reader's.
func (a *archive) close() error {
	a.manifest.Complete = len(a.manifest.Missing) == 0
	if a.out.err == nil {
		entry, err := a.create("manifest.json")
		if err != nil {
			return err
		}
		if err := json.NewEncoder(entry).Encode(a.manifest); err != nil {
			return err
		}
	}
	return errors.Join(a.out.err, a.zip.Close())
}

func (a *archive) create(name string) (*measuredEntry, error) {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: a.manifest.MadeAt})
	return &measuredEntry{to: w, sum: sha256.New()}, err
}

// measuredEntry counts and hashes what goes into an entry.
type measuredEntry struct {
	to   io.Writer
	size int64
	sum  hash.Hash
}

// Write passes on.
func (e *measuredEntry) Write(p []byte) (int, error) {
	n, err := e.to.Write(p)
	e.size += int64(n)
	e.sum.Write(p[:n])
	return n, err
}
