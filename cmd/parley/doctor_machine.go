package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Room on the disk, in bytes. Below the least, serve does not start.
const (
	roomLeast = 64 << 20
	roomGood  = 1 << 30
)

// examineMachine looks at what needs no server: configuration, folder, keys, disk.
func examineMachine(environ []string, data, addr string) []finding {
	var found []finding
	config, err := readConfig(environ)
	for _, line := range linesOf(err) {
		found = append(found, finding{"configuration", problem, line, "correct the variable; parley's README lists them all"})
	}
	if err == nil {
		found = append(found, finding{"configuration", fine, configured(config), ""})
	}
	found = append(found, examineAddress(config, addr), examineFolder(data))
	found = append(found, examineSecrets(config, data)...)
	return append(found, examineDisk(data))
}

func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// configured says in a line which parts are elsewhere.
func configured(c Config) string {
	name := func(what, elsewhere string) string {
		if elsewhere == "" {
			return what + " embedded"
		}
		return what + " elsewhere"
	}
	provider := "built-in partner"
	if c.APIKey != "" {
		provider = "provider at " + c.RealtimeURL
	}
	return strings.Join([]string{name("log", c.NATSURL), name("read models", c.PostgresURL), name("store", c.S3Endpoint), provider}, ", ")
}

func examineFolder(data string) finding {
	const check = "data folder"
	info, err := os.Stat(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{check, notice, data + " is not there yet", "parley serve --data " + data + " makes it"}
	case err != nil:
		return finding{check, problem, data + " cannot be looked at: " + err.Error(), "run as the user that owns it"}
	case !info.IsDir():
		return finding{check, problem, data + " is no folder", "choose another with --data"}
	case info.Mode().Perm()&0o022 != 0:
		return finding{check, problem, fmt.Sprintf("%s can be written by others (mode %o)", data, info.Mode().Perm()), "chmod 700 " + data}
	}
	return finding{check, fine, fmt.Sprintf("%s, mode %o", data, info.Mode().Perm()), ""}
}

// examineSecrets looks whether only their owner can read the files that open
// everything else.
func examineSecrets(c Config, data string) []finding {
	master := filepath.Join(keyFolder(data), "master")
	if c.MasterKeyFile != "" {
		master = c.MasterKeyFile
	}
	secrets := map[string]string{"servers.json": filepath.Join(data, "servers.json"), "connection.json": filepath.Join(data, "connection.json")}
	var found []finding
	for _, name := range []string{"servers.json", "connection.json"} {
		if f := examineSecret(name, secrets[name]); f.Verdict == problem {
			found = append(found, f)
		}
	}
	switch {
	case c.MasterKey != "":
		return append(found, finding{"master key", fine, "in PARLEY_MASTER_KEY", ""})
	case c.MasterKeyCommand != "":
		return append(found, finding{"master key", fine, "from PARLEY_MASTER_KEY_COMMAND", ""})
	}
	return append(found, examineSecret("master key", master))
}

func examineSecret(check, path string) finding {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{check, notice, path + " is not there", "the first start makes it; if there was one, put it back: without it nothing that was said can be read"}
	case err != nil:
		return finding{check, problem, path + " cannot be looked at: " + err.Error(), "run as the user that owns it"}
	case info.Mode().Perm()&0o077 != 0:
		return finding{check, problem, fmt.Sprintf("%s can be read by others (mode %o)", path, info.Mode().Perm()), "chmod 600 " + path}
	}
	return finding{check, fine, fmt.Sprintf("%s, mode %o; keep a copy of it apart from backups", path, info.Mode().Perm()), ""}
}

func examineDisk(data string) finding {
	const check = "disk"
	room, err := roomAt(data)
	says := fmt.Sprintf("%d MiB are free for %s", room>>20, data)
	cure := "make room, or move the folder to a larger disk: a log that cannot grow takes nothing more"
	switch {
	case err != nil:
		return finding{check, notice, "cannot be measured: " + err.Error(), "see the data folder"}
	case room < roomLeast:
		return finding{check, problem, says, cure}
	case room < roomGood:
		return finding{check, notice, says, cure}
	}
	return finding{check, fine, says, ""}
}

// roomAt is how many bytes are free for us at a folder, or where it will be made.
func roomAt(path string) (uint64, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	var disk unix.Statfs_t
	for {
		err := unix.Statfs(path, &disk)
		if err == nil {
			return disk.Bavail * uint64(disk.Bsize), nil
		}
		if parent := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && parent != path {
			path = parent
			continue
		}
		return 0, err
	}
}
