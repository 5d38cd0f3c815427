package jetstream

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"parley/events"
)

// MasterKey says where the key that wraps all data keys comes from: a file, or
// a text. It is 32 bytes in standard base64, and lies outside the event log and
// its backups.
type MasterKey struct {
	path string
	text string
}

// MasterKeyFile takes the key from a file. At the very first start, when there
// is neither the file nor any data key, the file is made (mode 0600).
func MasterKeyFile(path string) MasterKey { return MasterKey{path: path} }

// MasterKeyText takes the key from a text, such as a variable's value.
func MasterKeyText(base64 string) MasterKey { return MasterKey{text: base64} }

// load gives the key's bytes. Errors: CodeInvalid.
func (m MasterKey) load(mayMake bool, random io.Reader) ([]byte, error) {
	if m.path == "" {
		return parseMasterKey(m.text, "the master key given as text")
	}
	where := "the master key file " + m.path
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) && mayMake {
		if err := makeMasterKey(m.path, random); err != nil {
			return nil, events.Wrap(err, events.CodeInvalid, where+" cannot be made")
		}
		text, err = os.ReadFile(m.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, events.Errorf(events.CodeInvalid, "%s is missing, but data keys exist that it wraps; put the file back", where)
	}
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, where+" cannot be read")
	}
	return parseMasterKey(string(text), where)
}

func parseMasterKey(text, where string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, events.Errorf(events.CodeInvalid, "%s is not %d bytes in base64", where, keySize)
	}
	return key, nil
}

// makeMasterKey writes the file whole or not at all, and never over another
// instance's: it is linked into place once it is on the disk.
func makeMasterKey(path string, random io.Reader) (err error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(draft.Name())) }()
	_, written := fmt.Fprintln(draft, base64.StdEncoding.EncodeToString(key))
	if err := errors.Join(written, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
