package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// minFree is the disk space below which nothing is started: a log that cannot
// grow freezes its server, so it is better not to begin.
const minFree = 64 << 20

// Folder is a data folder that belongs to this process until Close.
type Folder struct {
	path string
	lock *os.File
	kept kept
}

// Open makes the data folder at path if there is none and takes it for this
// process. It fails, in one sentence, if path is not a folder, is open to
// everyone, cannot be written, has too little room, or is in use.
func Open(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	if err := checkRoom(path, minFree); err != nil {
		return nil, err
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	kept, err := loadKept(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Folder{path: path, lock: lock, kept: kept}, nil
}

// Path returns the absolute path of the folder.
func (f *Folder) Path() string { return f.path }

// Close gives the folder back. It may be called twice.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	lock := f.lock
	f.lock = nil
	return lock.Close()
}

// makeFolder leaves root's folder passable for the user that PostgreSQL runs
// as; everything in it is closed by itself.
func makeFolder(path string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return fmt.Errorf("data folder %s cannot be made (%w); choose another with --data", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("data folder %s can be written by everyone; run: chmod 700 %s", path, path)
	}
	return nil
}

// checkRoom fails if fewer than need bytes are free for us at path.
func checkRoom(path string, need uint64) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(path, &disk); err != nil {
		return fmt.Errorf("measure the disk of %s: %w", path, err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < need {
		return fmt.Errorf("the disk of data folder %s is full: %d MiB are free, %d MiB are needed",
			path, free>>20, need>>20)
	}
	return nil
}

// takeLock locks the folder against a second instance. The kernel lets go of the
// lock when the process ends, however it ends.
func takeLock(path string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written (%w); give its owner's rights or choose another with --data", path, err)
	}
	if err := tryLock(lock); err != nil {
		holder, _ := io.ReadAll(lock) // only names the other process in the message
		return nil, errors.Join(
			fmt.Errorf("data folder %s is in use by process %s; stop it or choose another with --data",
				path, strings.TrimSpace(string(holder))),
			lock.Close())
	}
	if err := writePID(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock of data folder %s: %w", path, err), lock.Close())
	}
	return lock, nil
}

// tryLock tries for a moment, as [ReadConnection] holds the lock for an instant
// to see whether anyone else does.
func tryLock(lock *os.File) error {
	var err error
	for range 5 {
		if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

func writePID(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

// running tells whether an instance holds the folder at path.
func running(path string) (bool, error) {
	lock, err := os.Open(filepath.Join(path, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	err = unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
