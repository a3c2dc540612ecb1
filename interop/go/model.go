package mlcore

import (
	"cmp"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Options says how a model is opened. The zero value is right for nearly everyone.
type Options struct {
	// DisableMmap reads the files into memory instead of mapping them. Answers are the same; the
	// model then survives a file that somebody writes to, and costs memory of its own.
	DisableMmap bool
	// Attributes, if not nil, take the place of the catalogue that the model has or lacks.
	Attributes *Attributes
}

// Model is an open model directory. Its methods may be called from many goroutines at once.
type Model struct {
	files      *modelFiles
	items      idMap
	users      idMap
	similarity csrMatrix
	histories  csrMatrix // without rows in a model without users
	order      []int32   // place of each entry of the histories, from 1; nil in a model without it
	counts     []int64
	finiteRows []atomic.Uint32 // a bit for each row of the similarity whose values were found finite
	decayed    []float64       // in place of counts, where lists are filled; nil where users count alike
	rule       *historyRule    // nil where every weight is final
	// What filters look at, and what the directory holds of it; nil without a catalogue.
	attributes, ownAttributes *attributeTable

	scratches   sync.Pool
	rankings    sync.Pool
	popularLock sync.Mutex
	popular     []int32 // all items, the most popular first; nil until asked for

	// The number of uses that go on; math.MinInt64 is added when the model is closed, and the last
	// use gives the memory back.
	uses     atomic.Int64
	released chan struct{}
}

// Open opens a model directory: the manifest, all sizes, headers and row offsets are checked.
//
// The time does not grow with the number of stored pairs. Ids are checked when first asked for. For a
// directory from elsewhere call [Model.Verify] as well. The caller closes the model.
func Open(dir string, options Options) (model *Model, err error) {
	files, err := openFiles(dir, options)
	if err != nil {
		return nil, atStage(err, StageOpen)
	}
	m := &Model{files: files, released: make(chan struct{})}
	defer func() {
		if err != nil {
			files.release()
			model, err = nil, atStage(err, StageOpen)
		}
	}()
	defer m.catchFault(debug.SetPanicOnFault(true), StageOpen, &err)
	if err := m.readAll(options.Attributes); err != nil {
		return nil, err
	}
	for index := range files.files {
		files.files[index].setMark()
	}
	return m, nil
}

func (m *Model) readAll(beside *Attributes) (err error) {
	counts := m.files.manifest.Counts
	m.initIDs(&m.items, itemsFile, counts.Items)
	if m.similarity, err = m.readMatrix(similarityFile); err != nil {
		return err
	}
	popularity, err := m.readArrays(popularityFile)
	if err != nil {
		return err
	}
	m.counts = elements(popularity[0], int64At)
	m.finiteRows = make([]atomic.Uint32, (len(m.counts)+31)/32)
	if len(popularity) > 1 {
		m.decayed = elements(popularity[1], float64At)
	}
	if m.files.manifest.WithUsers() {
		m.initIDs(&m.users, usersFile, counts.Users)
		if m.histories, err = m.readMatrix(historiesFile); err != nil {
			return err
		}
		if m.files.manifest.lists(orderFile) {
			if m.order, err = readVector(m, orderFile, int32At); err != nil {
				return err
			}
		}
	}
	if m.files.manifest.WithHistoryRule() {
		if m.rule, err = m.readRule(); err != nil {
			return err
		}
	}
	if m.files.manifest.WithAttributes() {
		if err = m.readAttributes(); err != nil {
			return err
		}
	}
	if beside != nil {
		err = m.setAttributes(beside)
	}
	return err
}

// readVector returns the only array of a file.
func readVector[T int32 | int64 | float64](m *Model, name string, at func([]byte) T) ([]T, error) {
	arrays, err := m.readArrays(name)
	if err != nil {
		return nil, err
	}
	return elements(arrays[0], at), nil
}

// readArrays returns the bytes of each array of a file.
func (m *Model) readArrays(name string) ([][]byte, error) {
	return readArrays(m.files.data(name), m.files.manifest.arrays(name), m.files.path(name))
}

func (m *Model) initIDs(ids *idMap, name string, count int64) {
	// The manifest's limit for both axes fits an int of 32 bits.
	ids.data, ids.place, ids.count = m.files.data(name), m.files.path(name), int(count)
}

func (m *Model) readMatrix(name string) (csrMatrix, error) {
	return readCSR(m.files.data(name), m.files.manifest.arrays(name), m.files.path(name))
}

// Acquire keeps the model's memory in place until [Model.Release] is called as often, also if the
// model is closed meanwhile; it returns false if the model is closed already. Every method does so
// itself. After Close, methods give [ErrClosed] to holders, too.
func (m *Model) Acquire() bool {
	for {
		uses := m.uses.Load()
		if uses < 0 {
			return false
		}
		if m.uses.CompareAndSwap(uses, uses+1) {
			return true
		}
	}
}

// Release ends what Acquire began.
func (m *Model) Release() {
	if m.uses.Add(-1) == math.MinInt64 {
		m.giveBack()
	}
}

// Close ends the use of the model. Requests that are being answered are answered; the last of them
// gives the memory back, see [Model.Released]. All later calls give [ErrClosed]. Closing twice does
// no harm.
func (m *Model) Close() error {
	for {
		uses := m.uses.Load()
		if uses < 0 {
			return nil
		}
		if m.uses.CompareAndSwap(uses, uses+math.MinInt64) {
			if uses == 0 {
				m.giveBack()
			}
			return nil
		}
	}
}

// Released returns a channel that is closed once the model is closed and no file is mapped any more.
func (m *Model) Released() <-chan struct{} { return m.released }

func (m *Model) giveBack() {
	m.files.release()
	close(m.released)
}

// catchFault turns the fault of reading a mapped file that has been truncated into an error, and what else
// goes wrong where its zeros are read; the format forbids writers to do so, but a server should outlive it.
// Any other panic goes on.
func (m *Model) catchFault(previous bool, stage Stage, err *error) {
	defer debug.SetPanicOnFault(previous)
	reason := recover()
	if reason == nil {
		return
	}
	if isFault(reason) || isFault(m.files.probe()) {
		m.files.setDamage(m.files.dir, "files that stay as they were opened", "one that was truncated")
	}
	damage := m.files.damage.Load()
	if damage == nil {
		panic(reason)
	}
	*err = atStage(damage, stage)
}

func isFault(reason any) bool {
	_, isAddress := reason.(interface{ Addr() uintptr })
	return isAddress
}

// checked returns the error of an answer, or that its files are not whole any more: then it may be anything.
func (m *Model) checked(err error, stage Stage) error {
	return atStage(cmp.Or(m.files.expectWhole(), err), stage)
}

// use runs work on an open model.
func (m *Model) use(stage Stage, work func() error) (err error) {
	if !m.Acquire() {
		return ErrClosed
	}
	defer m.Release()
	defer m.catchFault(debug.SetPanicOnFault(true), stage, &err)
	return m.checked(work(), stage)
}

// Check looks whether a mapped file was written to since it was opened, which the format forbids. Once that
// was found, here or in an answer, every answer is an error. What is not mapped cannot be changed.
func (m *Model) Check() error { return m.use(StagePredict, m.files.expectUnchanged) }

// Dir returns the path that the model was opened by.
func (m *Model) Dir() string { return m.files.dir }

// Manifest returns what manifest.json says. It may be called after Close.
func (m *Model) Manifest() *Manifest { return m.files.manifest }

// Mapped reports whether the files are mapped; small or unusual file systems may not allow it.
func (m *Model) Mapped() bool {
	for index := range m.files.files {
		if m.files.files[index].mapped {
			return true
		}
	}
	return false
}

// ItemID returns the id of the item at a position.
func (m *Model) ItemID(index int) (string, error) { return m.idAt(&m.items, "item", index) }

// UserID returns the id of the user at a position.
func (m *Model) UserID(index int) (string, error) { return m.idAt(&m.users, "user", index) }

func (m *Model) idAt(ids *idMap, name string, index int) (id string, err error) {
	err = m.use(StagePredict, func() error {
		if err := m.parseIDs(ids); err != nil {
			return err
		}
		if index < 0 || index >= ids.count {
			return refuseRequest(name, "a position below the number of ids", index)
		}
		id = string(ids.appendID(nil, index))
		return nil
	})
	return id, err
}

// ItemIndex returns the position of an item, or false if the model does not have it.
func (m *Model) ItemIndex(id string) (int, bool, error) { return m.indexOf(&m.items, id) }

// CountUnknownItems returns how many of the ids the model does not have.
func (m *Model) CountUnknownItems(ids []string) (unknown int, err error) {
	err = m.use(StagePredict, func() error {
		for _, id := range ids {
			if err := m.items.parse(); err != nil {
				return err
			}
			if m.items.position(id) < 0 {
				unknown++
			}
		}
		return nil
	})
	return unknown, err
}

// UserIndex returns the position of a user, or false if the model does not have it.
func (m *Model) UserIndex(id string) (int, bool, error) { return m.indexOf(&m.users, id) }

func (m *Model) indexOf(ids *idMap, id string) (index int, found bool, err error) {
	err = m.use(StagePredict, func() error {
		if err := m.parseIDs(ids); err != nil {
			return err
		}
		index = ids.position(id)
		return nil
	})
	return index, err == nil && index >= 0, err
}

// parseIDs parses an id map, unless the model has none.
func (m *Model) parseIDs(ids *idMap) error {
	if ids == &m.users && !m.files.manifest.WithUsers() {
		return nil
	}
	return ids.parse()
}

// Config returns the bytes of config.json, which says how the model was trained.
func (m *Model) Config() (config []byte, err error) {
	err = m.use(StagePredict, func() error {
		config = append([]byte(nil), m.files.data(configFile)...)
		return nil
	})
	return config, err
}

// LongestRow returns the number of stored pairs of the item that has the most.
func (m *Model) LongestRow() (longest int64, err error) {
	err = m.use(StagePredict, func() error {
		for row := 1; row < len(m.similarity.indptr); row++ {
			longest = max(longest, m.similarity.indptr[row]-m.similarity.indptr[row-1])
		}
		return nil
	})
	return longest, err
}
