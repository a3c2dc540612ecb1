package mlcore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
)

// fileData is one file of an open model: its bytes, and whether they are a mapping.
type fileData struct {
	name   string
	data   []byte
	mapped bool
	info   os.FileInfo // of when it was opened
	mark   int         // position of a byte near the end of a mapping, and that byte
	marked byte
}

// modelFiles are the files of one model directory. All are opened through one handle of the
// directory, so they belong together even if another model takes its name meanwhile.
type modelFiles struct {
	dir      string
	manifest *Manifest
	files    []fileData            // in the order of the manifest
	damage   atomic.Pointer[Error] // found in a mapping, if any
}

func openFiles(dir string, options Options) (*modelFiles, error) {
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Verdict: VerdictIO, Place: dir, Expected: "a model directory", Got: "no such directory", Err: err}
	} else if err != nil {
		return nil, refuseIO(dir, "a model directory", err)
	} else if !info.IsDir() {
		return nil, refuse(VerdictIO, dir, "", "a model directory", "a file")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refuseIO(dir, "a model directory", err)
	}
	defer root.Close()
	f := &modelFiles{dir: dir}
	if err := f.readManifest(root); err != nil {
		return nil, err
	}
	if err := f.refuseUnlisted(root); err != nil {
		return nil, err
	}
	for _, entry := range f.manifest.Files {
		file, err := f.load(root, entry, !options.DisableMmap)
		if err != nil {
			f.release()
			return nil, err
		}
		f.files = append(f.files, file)
	}
	return f, nil
}

func (f *modelFiles) path(name string) string { return filepath.Join(f.dir, name) }

func (f *modelFiles) data(name string) []byte {
	for index := range f.files {
		if f.files[index].name == name {
			return f.files[index].data
		}
	}
	return nil
}

// release gives the mappings back; no byte may be looked at afterwards.
func (f *modelFiles) release() {
	for index := range f.files {
		if f.files[index].mapped {
			unmapFile(f.files[index].data)
		}
		f.files[index].data = nil
	}
}

func (f *modelFiles) readManifest(root *os.Root) error {
	file, info, err := f.open(root, manifestFile)
	if err != nil {
		return err
	}
	defer file.Close()
	place, size := f.path(manifestFile), info.Size()
	if size > maxManifestBytes {
		return refuse(VerdictManifest, place, "", fmt.Sprintf("at most %d bytes", maxManifestBytes), fmt.Sprint(size))
	}
	data, err := readFile(file, int(size))
	if err != nil {
		return refuseIO(place, "a readable file", err)
	}
	f.manifest, err = parseManifest(data, place)
	return err
}

// refuseUnlisted refuses optional files that are there though the manifest does not list them.
func (f *modelFiles) refuseUnlisted(root *os.Root) error {
	for _, name := range optionalFiles() {
		if f.manifest.lists(name) {
			continue
		}
		if _, err := root.Lstat(name); err == nil {
			return refuse(VerdictManifest, f.path(manifestFile), "files", name+", which is there", "none")
		}
	}
	return nil
}

// open opens a regular file and returns what the system knows of it.
func (f *modelFiles) open(root *os.Root, name string) (*os.File, os.FileInfo, error) {
	path := f.path(name)
	// Looked at before it is opened, since opening a named pipe waits for its other end.
	info, err := root.Lstat(name)
	if err != nil {
		return nil, nil, refuseIO(path, "a file", err)
	}
	if !info.Mode().IsRegular() {
		kind := "something else"
		if info.IsDir() {
			kind = "a directory"
		}
		return nil, nil, refuse(VerdictIO, path, "", "a regular file", kind)
	}
	file, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, nil, refuseIO(path, "a readable file", err)
	}
	opened, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, refuseIO(path, "a readable file", err)
	}
	if !os.SameFile(info, opened) {
		file.Close()
		return nil, nil, refuse(VerdictIO, path, "", "a file that stays in place", "another one")
	}
	return file, opened, nil
}

// load maps or reads a file, after its size has been found to be as in the manifest.
func (f *modelFiles) load(root *os.Root, entry FileEntry, tryMapping bool) (fileData, error) {
	path := f.path(entry.Name)
	file, info, err := f.open(root, entry.Name)
	if err != nil {
		return fileData{}, err
	}
	defer file.Close()
	size := info.Size()
	if size != entry.Bytes {
		return fileData{}, refuse(VerdictSize, path, "",
			fmt.Sprintf("%d bytes as in the manifest", entry.Bytes), fmt.Sprint(size))
	}
	if size > math.MaxInt-1<<16 { // the page that a mapping ends in must fit as well
		return fileData{}, refuse(VerdictIO, path, "", "a file that fits the address space",
			fmt.Sprintf("%d bytes", size))
	}
	loaded := fileData{name: entry.Name, info: info}
	if tryMapping && size > 0 {
		// Some file systems cannot map; the same bytes are read then.
		if loaded.data, err = mapFile(file, int(size)); err == nil {
			loaded.mapped = true
			return loaded, nil
		}
	}
	if loaded.data, err = readFile(file, int(size)); err != nil {
		return fileData{}, refuseIO(path, "a readable file", err)
	}
	return loaded, nil
}

func readFile(file *os.File, size int) ([]byte, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(file, data)
	return data, err
}
