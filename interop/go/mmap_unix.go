//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package mlcore

import (
	"os"
	"syscall"
)

// CanMap says whether this platform maps files into memory; elsewhere they are read.
const CanMap = true

// openFlags keep an open from waiting, should a named pipe have taken the place of a file.
const openFlags = syscall.O_NONBLOCK

func mapFile(file *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
}

func unmapFile(data []byte) {
	// It fails only for memory that is no mapping, which would be a mistake of this package.
	if err := syscall.Munmap(data); err != nil {
		panic("mlcore: munmap: " + err.Error())
	}
}
