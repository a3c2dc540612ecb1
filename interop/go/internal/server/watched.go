package server

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// watched is what some files say. They are looked at while it is used, and read anew when they changed; what
// is wrong then is logged, and the old value stays.
type watched[T any] struct {
	name     string // for the log
	paths    []string
	read     func() (T, error)
	interval time.Duration
	log      *slog.Logger

	value atomic.Pointer[T]
	next  atomic.Int64 // when to look
	mutex sync.Mutex   // held while somebody looks
	state string       // of the files that were read
}

// open reads the files for the first time.
func (w *watched[T]) open() error {
	w.state = w.currentState()
	value, err := w.read()
	if err == nil {
		w.value.Store(&value)
	}
	return err
}

func (w *watched[T]) currentState() (state string) {
	for _, path := range w.paths {
		state += stateOf(path) + "\n"
	}
	return state
}

// get returns the newest value that is known.
func (w *watched[T]) get() *T {
	if now := time.Now().UnixNano(); now >= w.next.Load() && w.mutex.TryLock() {
		defer w.mutex.Unlock()
		w.look()
		w.next.Store(now + int64(w.interval))
	}
	return w.value.Load()
}

func (w *watched[T]) look() {
	state := w.currentState() // before reading: what changes meanwhile is found by the next look
	if state == w.state {
		return
	}
	value, err := w.read()
	if isExhausted(err) {
		return // the next look tries again
	}
	w.state = state
	if err != nil {
		w.log.Error(w.name+" refused, the old one stays", "error", err.Error())
		return
	}
	w.value.Store(&value)
	w.log.Info(w.name + " read anew")
}

// readSmall returns the bytes of a file that has no more than a limit.
func readSmall(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened, since opening a named pipe waits for its other end
	if err != nil {
		return nil, tables.OSError(err, path, "a readable file")
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file, got something else", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, tables.OSError(err, path, "a readable file")
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, tables.OSError(err, path, "a readable file")
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: expected at most %d bytes, got more", path, limit)
	}
	return data, nil
}

// warnOfReaders says so where others than the owner and the group may read or write a secret.
func warnOfReaders(log *slog.Logger, path string) {
	info, err := os.Stat(path)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		log.Warn("a secret is open to all users of this machine: chmod o= FILE", "file", path,
			"mode", info.Mode().Perm().String())
	}
}
