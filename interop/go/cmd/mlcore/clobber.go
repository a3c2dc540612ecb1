package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// refuseClobber refuses an output that is an input by any name, through links too, or lies in an input
// folder or a model, as mlcore/files/clobber.py. Inputs are pairs of an option and a path, perhaps empty.
func refuseClobber(path string, inputs ...[2]string) error {
	if err := refuseSharedStream(inputs); err != nil {
		return err
	}
	place := (&output{path: path}).name()
	written := identity(path, os.Stdout)
	for _, input := range inputs {
		option, source := input[0], input[1]
		if source == "" {
			continue
		}
		if info, err := os.Stat(source); err == nil && info.IsDir() && path != "-" {
			if err := refuseInside(path, source, place, option); err != nil {
				return err
			}
		}
		if written != nil && isAmong(written, source) {
			return &hinted{
				place + ": expected another file than the input " + option + ", got the same",
				"write to another file, and rename it when it is done",
			}
		}
	}
	if path == "-" {
		return nil
	}
	return refuseInsideModel(path)
}

// refuseSharedStream refuses two inputs from standard input, of which the second would find nothing.
func refuseSharedStream(inputs [][2]string) error {
	var streams []string
	for _, input := range inputs {
		if input[1] == "-" || input[1] == "/dev/stdin" {
			streams = append(streams, input[0])
		}
	}
	if len(streams) < 2 {
		return nil
	}
	return &hinted{
		"standard input: expected one input from it, got " + strings.Join(streams, " and "),
		"cat > FILE keeps what a stream gives",
	}
}

// refuseInsideModel refuses a place in any model directory, which holds the files of a model only.
func refuseInsideModel(path string) error {
	for folder := filepath.Dir(realPath(path)); ; folder = filepath.Dir(folder) {
		if identity(filepath.Join(folder, "manifest.json"), nil) != nil &&
			identity(filepath.Join(folder, "items.csv"), nil) != nil {
			return &hinted{
				path + ": expected a place outside of a model directory, got one inside " +
					show.String(filepath.Base(folder)),
				"a model directory holds nothing but its model; write beside it",
			}
		}
		if folder == filepath.Dir(folder) {
			return nil
		}
	}
}

func refuseInside(path, folder, place, option string) error {
	inside, err := filepath.Rel(realPath(folder), realPath(path))
	if err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return nil
	}
	got := "one inside"
	if inside == "." {
		got = "the same"
	}
	return &hinted{
		place + ": expected a place outside the input " + option + ", got " + got,
		"the next run would read it as part of that folder; write to another one",
	}
}

// isAmong reports whether a file is an input, or one of a folder.
func isAmong(written os.FileInfo, path string) bool {
	if path == "-" {
		info := identity(path, os.Stdin)
		return info != nil && os.SameFile(info, written)
	}
	found := false
	filepath.WalkDir(realPath(path), func(name string, _ fs.DirEntry, err error) error {
		info := identity(name, nil)
		found = found || (info != nil && os.SameFile(info, written))
		return nil
	})
	return found
}

// identity describes a regular file; "-" is a stream.
func identity(path string, stream *os.File) os.FileInfo {
	info, err := os.Stat(path)
	if path == "-" {
		info, err = stream.Stat()
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return info
}

// realPath follows links as far as the path leads.
func realPath(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for folder, rest := absolute, ""; ; folder, rest = filepath.Dir(folder), filepath.Join(filepath.Base(folder), rest) {
		if real, err := filepath.EvalSymlinks(folder); err == nil {
			return filepath.Join(real, rest)
		}
		if folder == filepath.Dir(folder) {
			return absolute
		}
	}
}
