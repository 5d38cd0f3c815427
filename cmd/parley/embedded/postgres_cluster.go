package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// nobody is the account that root's PostgreSQL server runs as.
const nobody = "nobody"

// account is a user of this machine, as a child process is given it.
type account struct {
	name     string
	uid, gid uint32
}

// runAs decides which user the server runs as: ourselves, unless we are root.
// If that user cannot reach the binaries or the data folder by itself, the
// child gets a capability for the way.
func (i *installation) runAs(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup(nobody)
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and there is no user %s to run it as: %w", nobody, err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return fmt.Errorf("user %s: %w", nobody, err)
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return fmt.Errorf("user %s: %w", nobody, err)
	}
	i.user = &account{name: nobody, uid: uint32(uid), gid: uint32(gid)}
	i.way = i.wayTo(folder)
	return nil
}

// wayTo looks how far a user without rights of its own gets.
func (i installation) wayTo(folder string) passage {
	for _, program := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(i.bin, program))
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return closedPrograms
		}
	}
	if !openToAll(i.bin) || !openToAll(folder) {
		return closedFolders
	}
	return openWay
}

// openToAll tells whether anyone may pass through every folder down to path.
func openToAll(path string) bool {
	for ; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
	}
}

// makeCluster runs initdb unless dir is a cluster already. It works on a folder
// beside and renames that: an interrupted start leaves nothing that looks whole.
func makeCluster(ctx context.Context, server installation, dir string, owner keptServer) error {
	version, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err == nil {
		return checkCluster(server, dir, strings.TrimSpace(string(version)))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look at the PostgreSQL cluster: %w", err)
	}
	unfinished := dir + ".new"
	if err := errors.Join(os.RemoveAll(unfinished), os.Mkdir(unfinished, 0o700), server.give(unfinished)); err != nil {
		return fmt.Errorf("make the PostgreSQL cluster: %w", err)
	}
	if err := initdb(ctx, server, unfinished, owner); err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	if err := errors.Join(os.Rename(unfinished, dir), syncFolder(filepath.Dir(dir))); err != nil {
		return fmt.Errorf("make the PostgreSQL cluster: %w", err)
	}
	return nil
}

// checkCluster refuses a cluster that these binaries or this user cannot serve.
func checkCluster(server installation, dir, version string) error {
	if version != strconv.Itoa(server.major) {
		return fmt.Errorf("%s was made by PostgreSQL %s, but %s holds %d; set PARLEY_POSTGRES_BIN to a PostgreSQL %s, or delete the folder: it is rebuilt from the log",
			dir, version, server.bin, server.major, version)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the PostgreSQL cluster: %w", err)
	}
	want := uint32(os.Geteuid())
	if server.user != nil {
		want = server.user.uid
	}
	if has := info.Sys().(*syscall.Stat_t).Uid; has != want {
		return fmt.Errorf("%s belongs to user %d, but PostgreSQL would run as user %d; run: chown -R %d %s", dir, has, want, want, dir)
	}
	return nil
}

// initdb makes a cluster in dir, whose only role is owner.
func initdb(ctx context.Context, server installation, dir string, owner keptServer) error {
	secret := dir + ".password"
	defer os.Remove(secret) // rewritten by the next attempt if it stays
	if err := errors.Join(os.WriteFile(secret, []byte(owner.Password+"\n"), 0o600), server.give(secret)); err != nil {
		return fmt.Errorf("make the PostgreSQL cluster: %w", err)
	}
	arguments := []string{
		"-D", dir, "--username", owner.User, "--pwfile", secret, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C", "--no-instructions",
	}
	if server.major >= 17 { // knows letters beyond ASCII, the same on every machine
		arguments = append(arguments, "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")
	}
	cmd := server.command("initdb", arguments...)
	if reason, err := runChild(ctx, cmd); err != nil {
		return fmt.Errorf("make the PostgreSQL cluster: initdb: %w: %s", err, reason)
	}
	return nil
}

// give hands a file to the server's user.
func (i installation) give(path string) error {
	if i.user == nil {
		return nil
	}
	return os.Chown(path, int(i.user.uid), int(i.user.gid))
}
