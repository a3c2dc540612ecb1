package main

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// maxLinks is how many links a path to a descriptor may take.
const maxLinks = 40

var (
	staleEnd   = regexp.MustCompile("^[.]partial-[0-9a-f]{8}$")
	descriptor = regexp.MustCompile("^/(?:dev|proc/self|proc/thread-self)/fd/([0-9]{1,9})$")
	streamOf   = map[string]int{"-": 1, "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
)

// output is a file that appears whole or not at all: until publish the bytes go to a hidden sibling.
type output struct {
	path    string // as the user called it
	target  string // where the file is to stand, or "" if it is written in place
	partial string
	file    *os.File // nil for standard output
	lock    *os.File // held by the process that fills the partial file
	zip     *gzipWriter
	sink    io.Writer
}

// openOutput opens a path, or standard output for "-" and "/dev/stdout"; devices and pipes are written to
// as they are. A name that ends in .gz is compressed, without a time stamp. Opened before the work starts, an output that cannot be written is found at once.
func openOutput(path string, stdout io.Writer) (*output, error) {
	o := &output{path: path, sink: stdout}
	if descriptorOf(path) != 1 {
		if err := o.create(); err != nil {
			return nil, tables.OSError(err, path, "a file to write to")
		}
		o.sink = o.file
	}
	if strings.HasSuffix(strings.ToLower(path), ".gz") {
		o.zip = &gzipWriter{sink: o.sink}
		o.sink = o.zip
	}
	return o, nil
}

func (o *output) create() (err error) {
	if number := descriptorOf(o.path); number >= 0 {
		// Opened anew by its name, a file that the shell opened would be cut to nothing.
		o.file, err = duplicate(number, o.path)
		return err
	}
	if strings.HasSuffix(o.path, "/") {
		return syscall.EISDIR
	}
	target := o.path
	if info, statErr := os.Stat(target); statErr == nil {
		if !info.Mode().IsRegular() {
			o.file, err = os.OpenFile(target, os.O_WRONLY, 0) // a device or a pipe; a directory is refused
			return err
		}
		if target, err = filepath.EvalSymlinks(target); err != nil {
			return err
		}
	}
	return o.createPartial(target)
}

// createPartial makes the hidden sibling, after it removed those that killed processes left: a process
// holds a lock on its own, which the system lets go of however it ends.
func (o *output) createPartial(target string) error {
	removeStale(target)
	for {
		var random [4]byte
		rand.Read(random[:]) // never fails
		name := "." + filepath.Base(target) + ".partial-" + hex.EncodeToString(random[:])
		partial := filepath.Join(filepath.Dir(target), name)
		file, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		o.lock = lockFile(file, true)
		opened, err := file.Stat()
		if err != nil {
			return err
		}
		if named, err := os.Stat(partial); err == nil && os.SameFile(opened, named) {
			o.file, o.target, o.partial = file, target, partial
			return nil
		}
		file.Close() // another process found it before it was locked
		o.unlock()
	}
}

func removeStale(target string) {
	entries, _ := os.ReadDir(filepath.Dir(target))
	for _, entry := range entries {
		// Not one pattern for all of it: a name may be no UTF-8.
		end, isOurs := strings.CutPrefix(entry.Name(), "."+filepath.Base(target))
		if !isOurs || !staleEnd.MatchString(end) || !entry.Type().IsRegular() {
			continue
		}
		path := filepath.Join(filepath.Dir(target), entry.Name())
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lock := lockFile(file, false); lock != nil {
			os.Remove(path)
			lock.Close()
		}
		file.Close()
	}
}

// descriptorOf returns the open descriptor that a path names, perhaps by links: 1 for "-" and
// "/dev/stdout"; else -1.
func descriptorOf(path string) int {
	for range maxLinks {
		if number, ok := streamOf[path]; ok {
			return number
		}
		if found := descriptor.FindStringSubmatch(path); found != nil {
			number, _ := strconv.Atoi(found[1])
			return number
		}
		next, err := os.Readlink(path)
		if err != nil {
			return -1
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	return -1
}

func (o *output) unlock() {
	if o.lock != nil {
		o.lock.Close()
		o.lock = nil
	}
}

func (o *output) name() string {
	if o.path == "-" {
		return "standard output"
	}
	return o.path
}

// Write writes bytes, and names the place in an error.
func (o *output) Write(data []byte) (int, error) {
	count, err := o.sink.Write(data)
	if err != nil {
		err = writeError(err, o.name())
	}
	return count, err
}

// writeBlock writes the text of a block.
func (o *output) writeBlock(block *block) error {
	if o.zip == nil || len(block.packed) == 0 {
		_, err := o.Write(block.text)
		return err
	}
	if err := o.zip.writePiece(block.packed, block.text); err != nil {
		return writeError(err, o.name())
	}
	return nil
}

// publish brings all bytes to the disk and gives the file its name.
func (o *output) publish() error {
	if err := o.finish(); err != nil {
		return writeError(err, o.name())
	}
	return nil
}

func (o *output) finish() error {
	if o.zip != nil {
		if err := o.zip.Close(); err != nil {
			return err
		}
	}
	if o.file == nil {
		return nil
	}
	if o.partial == "" {
		return o.file.Close()
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	if err := o.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.partial, o.target); err != nil {
		return err
	}
	o.partial = ""
	o.unlock()
	return nil
}

// discard removes what was not published.
func (o *output) discard() {
	if o.file != nil {
		o.file.Close()
	}
	if o.partial != "" {
		os.Remove(o.partial)
	}
	o.unlock()
}
