package embedded

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncDisk writes out the file system that holds the folder.
func syncDisk(folder *os.File) error { return unix.Syncfs(int(folder.Fd())) }
