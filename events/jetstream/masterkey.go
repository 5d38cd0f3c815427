package jetstream

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"parley/events"
)

// MasterKey says where the key that wraps all data keys comes from: a file, a
// text, or a command. It is 32 bytes in standard base64, and lies outside the
// event log and its backups.
//
// While a rotation is on its way the source holds two keys, separated by white
// space: the one in use, and behind it the one that is to be used. It is read
// anew whenever another key is needed.
type MasterKey struct {
	path     string
	text     string
	command  string
	patience time.Duration // with the command
}

// MasterKeyFile takes the key from a file that only its owner can read; a group
// may, where root owns the file. At the very first start, when there is neither
// the file nor any data key, the file is made (mode 0600). A file of that name
// with ".next" holds the key that a rotation leads to.
func MasterKeyFile(path string) MasterKey { return MasterKey{path: path} }

// MasterKeyText takes the key from a text, such as a variable's value.
func MasterKeyText(base64 string) MasterKey { return MasterKey{text: base64} }

// MasterKeyCommand takes the key from what a command line of the shell prints,
// for keys that are kept by a service. It must end within the patience.
func MasterKeyCommand(line string, patience time.Duration) MasterKey {
	return MasterKey{command: line, patience: patience}
}

// String names the source, without what it holds.
func (m MasterKey) String() string {
	switch {
	case m.path != "":
		return "the master key file " + m.path
	case m.command != "":
		return "the master key command"
	}
	return "the master key given as text"
}

// mostSource is how long a source may be, in bytes.
const mostSource = 4096

// read gives the keys of the source. Errors: errNoMasterKey for a file that is
// not there; CodeInvalid.
func (m MasterKey) read(ctx context.Context) (masterKeys, error) {
	text := []byte(m.text)
	var err error
	switch {
	case m.path != "":
		text, err = m.readFiles()
	case m.command != "":
		text, err = m.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parseMasterKeys(text, m.String())
}

// readFiles joins the file and that of the next key.
func (m MasterKey) readFiles() ([]byte, error) {
	text, err := readSecret(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noMasterKey{m.String()}
	}
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, m.String()+" cannot be read")
	}
	next, err := readSecret(m.next())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, events.Wrap(err, events.CodeInvalid, "the master key file "+m.next()+" cannot be read")
	}
	return append(append(text, '\n'), next...), nil
}

// next is where the key lies that a rotation leads to.
func (m MasterKey) next() string { return m.path + ".next" }

// noMasterKey says that the file is not there, which is right at the very first
// start only.
type noMasterKey struct{ where string }

func (n *noMasterKey) Error() string { return n.where + " is missing" }

// refusal is what a person reads when data keys exist that need the file.
func (n *noMasterKey) refusal() error {
	return events.Errorf(events.CodeInvalid, "%s is missing, but data keys exist that it wraps; put the file back", n.where)
}

// readSecret reads a file unless others can read it too.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: that would wait at a pipe
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file")
	}
	if open := info.Mode().Perm() & forbiddenMode(info); open != 0 {
		return nil, fmt.Errorf("others can read it, mode %o: chmod 600 %s", info.Mode().Perm(), path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() // read only
	return io.ReadAll(io.LimitReader(file, mostSource))
}

// forbiddenMode are the rights that nobody may have: any of others, and of the
// group unless root has put the file there for it to read.
func forbiddenMode(info fs.FileInfo) fs.FileMode {
	if owner, known := info.Sys().(*syscall.Stat_t); known && owner.Uid == 0 {
		return 0o037
	}
	return 0o077
}

// masterKeys are those of a source, the one in use first.
type masterKeys [][]byte

func parseMasterKeys(text []byte, where string) (masterKeys, error) {
	parts := bytes.Fields(text)
	if len(parts) == 0 || len(parts) > 2 {
		return nil, events.Errorf(events.CodeInvalid, "%s holds %d keys, not one, or two while the key is rotated", where, len(parts))
	}
	var keys masterKeys
	for _, part := range parts {
		key := make([]byte, base64.StdEncoding.DecodedLen(len(part)))
		n, err := base64.StdEncoding.Decode(key, part)
		if err != nil || n != keySize {
			return nil, events.Errorf(events.CodeInvalid, "%s is not %d bytes in base64", where, keySize)
		}
		keys = append(keys, key[:n])
	}
	return keys, nil
}

// opening gives the key that a check was made with; nil when none was.
func (k masterKeys) opening(check string) []byte {
	sealed, err := base64.StdEncoding.DecodeString(check)
	if err != nil {
		return nil
	}
	for _, key := range k {
		if _, err := openBytes(key, sealed, frame(checkMetadata)); err == nil {
			return key
		}
	}
	return nil
}

// wanted is the key that is to be used: the last one.
func (k masterKeys) wanted() []byte { return k[len(k)-1] }

// wipe clears all of them.
func (k masterKeys) wipe() {
	for _, key := range k {
		clear(key)
	}
}

// first reads the source; a file that is missing is made.
func (m MasterKey) first(ctx context.Context, random io.Reader) (masterKeys, error) {
	keys, err := m.read(ctx)
	var none *noMasterKey
	if !errors.As(err, &none) {
		return keys, err
	}
	if err := makeMasterKey(m.path, random); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, m.String()+" cannot be made")
	}
	return m.read(ctx)
}

// add makes the key that a rotation leads to, beside the file. Other sources are
// their operator's. Errors: CodeInvalid.
func (m MasterKey) add(ctx context.Context, random io.Reader) (masterKeys, error) {
	if m.path == "" {
		return nil, events.Errorf(events.CodeInvalid, "%s holds the key in use alone; put a new one behind it, separated by a space, and repeat this", m)
	}
	if err := makeMasterKey(m.next(), random); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the master key file "+m.next()+" cannot be made")
	}
	return m.read(ctx)
}

// settle puts the key that a rotation led to in the place of the one before.
// left is true when the operator must take the old one away.
func (m MasterKey) settle() (left bool, err error) {
	if m.path == "" {
		return true, nil
	}
	err = os.Rename(m.next(), m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err = errors.Join(err, syncFolder(filepath.Dir(m.path))); err != nil {
		return false, events.Wrap(err, events.CodeInvalid, "move "+m.next()+" to "+m.path+" yourself: only that is left to do")
	}
	return false, nil
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
