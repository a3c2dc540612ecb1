//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package main

import (
	"os"
	"syscall"
)

// lockFile locks a file for this process alone, and returns what holds the lock until it is closed; nil
// if another process holds it, or the file system has no locks.
func lockFile(file *os.File, wait bool) *os.File {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if syscall.Flock(int(file.Fd()), how) != nil {
		return nil
	}
	// Of the same open file, so the lock outlasts the closing of the other.
	held, err := duplicate(int(file.Fd()), file.Name())
	if err != nil {
		return nil
	}
	return held
}

// duplicate opens what a descriptor has open, once more.
func duplicate(descriptor int, name string) (*os.File, error) {
	again, err := syscall.Dup(descriptor)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(again)
	return os.NewFile(uintptr(again), name), nil
}
