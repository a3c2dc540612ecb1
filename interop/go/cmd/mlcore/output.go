package main

import (
	"compress/gzip"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// output is a file that appears whole or not at all: until publish the bytes go to a hidden sibling.
type output struct {
	path    string // as the user called it
	target  string // where the file is to stand, or "" if it is written in place
	partial string
	file    *os.File // nil for standard output
	zip     *gzip.Writer
	sink    io.Writer
}

// openOutput opens a path, or standard output for "-". A name that ends in .gz is compressed, without
// a time stamp. Opened before the work starts, an output that cannot be written is found at once.
func openOutput(path string, stdout io.Writer) (*output, error) {
	o := &output{path: path, sink: stdout}
	if path != "-" {
		if err := o.create(); err != nil {
			return nil, tables.OSError(err, path, "a file to write to")
		}
		o.sink = o.file
	}
	if strings.HasSuffix(path, ".gz") {
		o.zip = gzip.NewWriter(o.sink)
		o.sink = o.zip
	}
	return o, nil
}

func (o *output) create() (err error) {
	target := o.path
	if info, statErr := os.Stat(target); statErr == nil {
		if target, err = filepath.EvalSymlinks(target); err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			o.file, err = os.OpenFile(target, os.O_WRONLY, 0) // a device or a pipe; a directory is refused
			return err
		}
	}
	var random [4]byte
	rand.Read(random[:]) // never fails
	name := "." + filepath.Base(target) + ".partial-" + hex.EncodeToString(random[:])
	partial := filepath.Join(filepath.Dir(target), name)
	o.file, err = os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		o.target, o.partial = target, partial
	}
	return err
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
}
