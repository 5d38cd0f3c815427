package embedded

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes let the child end with us and run as user (nil: ourselves),
// with as much help on its way as it needs.
func childAttributes(user *account, way passage) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT, Setpgid: true}
	if user != nil {
		attributes.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
	}
	if way != openWay {
		attributes.AmbientCaps = []uintptr{passCapability(way)}
	}
	return attributes
}

// passCapability is the narrowest one that is enough and that we hold ourselves:
// containers often keep back the one that only reads.
func passCapability(way passage) uintptr {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var held [2]unix.CapUserData
	err := unix.Capget(&header, &held[0])
	if way == closedPrograms || err == nil && held[0].Permitted&(1<<unix.CAP_DAC_READ_SEARCH) == 0 {
		return unix.CAP_DAC_OVERRIDE
	}
	return unix.CAP_DAC_READ_SEARCH
}

// keepCapabilities makes the calling thread one whose children hold the
// capabilities they are given in full. Otherwise access(2), by which initdb looks
// for its server, goes by the user alone. It needs CAP_SETPCAP.
func keepCapabilities(attributes *syscall.SysProcAttr) error {
	if len(attributes.AmbientCaps) == 0 {
		return nil
	}
	const noSetuidFixup = 1 << 2 // SECBIT_NO_SETUID_FIXUP, capabilities(7)
	bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(bits)|noSetuidFixup, 0, 0, 0)
	}
	if err != nil {
		return fmt.Errorf("let the server's user pass closed folders: %w", err)
	}
	return nil
}

// isPostmaster tells whether the process pid is a server on dir, which is the
// current directory of such a server.
func isPostmaster(pid int, dir string) bool {
	where, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && where == dir
}
