package mlcore

import "os"

// A mapped file that somebody writes to changes under every answer. The format forbids it; what is done
// about it is here and in [Model.catchFault].

// maxTail bounds the zeros that stand at the end of a sound file: an archive ends in a few.
const maxTail = 64

// setMark chooses the last byte other than 0.
func (f *fileData) setMark() {
	if !f.mapped {
		return
	}
	f.mark = len(f.data) - 1
	for f.mark > max(0, len(f.data)-maxTail) && f.data[f.mark] == 0 {
		f.mark--
	}
	f.marked = f.data[f.mark]
}

// isWhole reports whether no byte of a mapping is gone. Past the end of a file that was truncated, its last
// page has zeros, and other pages cannot be read; see [Model.catchFault].
func (f *fileData) isWhole() bool { return !f.mapped || f.data[f.mark] == f.marked }

// isChanged reports whether the file was written to since it was opened. One that took its place, or was
// deleted, changes no mapping.
func (f *fileData) isChanged(path string) bool {
	now, err := os.Stat(path)
	return err == nil && f.mapped && os.SameFile(now, f.info) &&
		(now.Size() != f.info.Size() || !now.ModTime().Equal(f.info.ModTime()))
}

// expectWhole gives a fault once a byte of a mapping is gone, for good: nobody knows what was made of it.
func (f *modelFiles) expectWhole() error {
	for index := 0; index < len(f.files) && f.damage.Load() == nil; index++ {
		if !f.files[index].isWhole() {
			f.setDamage(f.path(f.files[index].name), "a file that stays as it was opened", "a truncated one")
		}
	}
	if damage := f.damage.Load(); damage != nil {
		return damage
	}
	return nil
}

// probe returns what happens when the marks are read, if anything does.
func (f *modelFiles) probe() (reason any) {
	defer func() { reason = recover() }()
	f.expectWhole()
	return nil
}

func (f *modelFiles) setDamage(place, expected, got string) {
	f.damage.CompareAndSwap(nil, &Error{Verdict: VerdictIO, Place: place, Expected: expected, Got: got})
}

// expectUnchanged gives a fault if a file was written to since it was opened.
func (f *modelFiles) expectUnchanged() error {
	for index := range f.files {
		if path := f.path(f.files[index].name); f.files[index].isChanged(path) {
			f.setDamage(path, "a file that stays as it was opened", "one that was changed")
		}
	}
	return f.expectWhole()
}
