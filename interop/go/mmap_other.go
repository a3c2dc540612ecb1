//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package mlcore

import (
	"errors"
	"os"
)

// CanMap says whether this platform maps files into memory; elsewhere they are read.
const CanMap = false

const openFlags = 0

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) {}
