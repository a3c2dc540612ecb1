//go:build unix

package server

import (
	"os"
	"syscall"
)

func inodeOf(info os.FileInfo) uint64 {
	if status, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(status.Ino)
	}
	return 0
}
