//go:build !linux

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes let the child run as user (nil: ourselves). There is no tie to
// our life and no capability here: an orphan is stopped by the next start, and
// root must keep binaries and data where its server's user can reach them.
func childAttributes(user *account, _ passage) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if user != nil {
		attributes.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
	}
	return attributes
}

// keepCapabilities has nothing to keep here.
func keepCapabilities(*syscall.SysProcAttr) error { return nil }

// isPostmaster tells whether the process pid is a server on dir.
func isPostmaster(pid int, dir string) bool {
	command, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(command), "-D "+dir+" ")
}
