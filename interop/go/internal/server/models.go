package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// identity says which model a path leads to: the directory, and the SHA-256 of its manifest, which in
// turn has the digests of all files. If either cannot be read, digest is the reason. Beside it is what tells
// one state of the files, and of the catalogue, from another.
type identity struct {
	dir        string
	digest     string
	files      string
	attributes string
}

// maxManifestBytes is MAX_MANIFEST_BYTES of the format.
const maxManifestBytes = 1 << 20

func (m *models) identify() identity {
	found := identity{dir: m.path, attributes: stateOf(m.attributes)}
	dir, err := filepath.EvalSymlinks(m.path)
	if err == nil {
		found.dir = dir
		found.digest, err = digestOf(filepath.Join(dir, "manifest.json"))
	}
	for _, name := range mlcore.FileNames() {
		if err == nil { // or a directory that is being filled would be another one at every look
			found.files += stateOf(filepath.Join(dir, name)) + "\n"
		}
	}
	if err != nil {
		found.digest = err.Error()
	}
	return found
}

// stateOf returns what changes whenever a file is written or replaced; nothing if there is none. Two files of
// one size, written within one tick of the kernel's clock, differ in nothing but their inodes.
func stateOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), inodeOf(info))
}

func digestOf(path string) (string, error) {
	// Looked at before it is opened, since opening a named pipe waits for its other end.
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("no regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest := sha256.New()
	// One byte more than is allowed tells it apart; the model is refused when it is opened.
	if _, err := io.Copy(digest, io.LimitReader(file, maxManifestBytes+1)); err != nil {
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// publication is a model that answers requests.
type publication struct {
	model    *mlcore.Model
	identity identity
	loaded   time.Time
	prepared [4]*mlcore.Prepared // by listForm
	damaged  atomic.Bool         // whether its files were found to be changed
	describe sync.Once
	document []byte // of /openapi.json; see describe

	// The number of requests being answered; math.MinInt64 is added when another model takes its
	// place, and the last request closes it. A closed model answers nobody, not even who had begun.
	uses atomic.Int64
}

// acquire reports whether the model may be used until release is called.
func (p *publication) acquire() bool {
	for {
		uses := p.uses.Load()
		if uses < 0 {
			return false
		}
		// Not a mere addition: the count may have become that of a closed model since it was read.
		if p.uses.CompareAndSwap(uses, uses+1) {
			return true
		}
	}
}

func (p *publication) release() {
	if p.uses.Add(-1) == math.MinInt64 {
		p.model.Close()
	}
}

// retire closes the model after its last request. It is called once.
func (p *publication) retire() {
	if p.uses.Add(math.MinInt64) == math.MinInt64 {
		p.model.Close()
	}
}

// name identifies the model in answers and metrics.
func (p *publication) name() string { return p.identity.digest[:12] }

// listForm is the place in publication.prepared of options that only say whether seen items are listed,
// and lists filled.
func listForm(options *mlcore.RecommendOptions) int {
	form := 0
	if options.IncludeSeen {
		form |= 1
	}
	if options.Fill {
		form |= 2
	}
	return form
}

// models holds the model that answers requests, and replaces it by newer ones.
type models struct {
	path       string
	attributes string // the file beside it, or nothing
	log        *slog.Logger
	metrics    *metrics
	current    atomic.Pointer[publication]
	open       atomic.Int64  // models opened of which the memory has not been given back
	wake       chan struct{} // makes the watch look at once
	warnings   sparing       // that no descriptor is left

	updating sync.Mutex // held from the look for a newer model to its publication
	refused  identity

	replacing sync.Mutex // held for a moment, so that closing need not wait for an update
	closed    bool
}

// acquire returns the current model, or nil if there is none. The caller releases it.
func (m *models) acquire() *publication {
	for {
		p := m.current.Load()
		if p == nil {
			return nil
		}
		if p.acquire() {
			return p
		}
		// It was retired since it was loaded, and that happens only after it was replaced.
	}
}

// update opens the model that the path leads to, if it is another one than before. A model that was
// refused is tried again only when forced.
func (m *models) update(force, verify bool) error {
	m.updating.Lock()
	defer m.updating.Unlock()
	found := m.identify()
	current := m.current.Load()
	if current != nil && current.identity == found && !current.damaged.Load() {
		m.refused = identity{}
		m.metrics.lastReloadFailed.Store(false)
		return nil
	}
	if found == m.refused && !force {
		return nil
	}
	begun := time.Now()
	next, err := m.load(found, verify)
	if err != nil {
		m.refuse(found, err)
		return err
	}
	m.publish(next, begun)
	return nil
}

// errReplaced says that a model was replaced while it was being opened.
var errReplaced = errors.New("model: expected one that stays in place while it is opened, got another one")

// load opens a model. It returns errReplaced rather than another fault, and rather than a model whose
// digest is not known.
func (m *models) load(found identity, verify bool) (*publication, error) {
	next, err := m.prepare(found, verify)
	if m.identify() == found {
		return next, err
	}
	if err == nil {
		next.model.Close()
	}
	return nil, errReplaced
}

// prepare opens a model and does everything that its first request would have to wait for.
func (m *models) prepare(found identity, verify bool) (next *publication, err error) {
	options, err := m.openOptions()
	if err != nil {
		return nil, err
	}
	model, err := mlcore.Open(found.dir, options)
	if err != nil {
		return nil, err
	}
	m.open.Add(1)
	go func() {
		<-model.Released()
		m.open.Add(-1)
	}()
	defer func() {
		if err != nil {
			model.Close()
		}
	}()
	if verify {
		if err := model.Verify(); err != nil {
			return nil, err
		}
	}
	if options.Attributes != nil {
		if err := m.expectItems(model, options.Attributes.Items); err != nil {
			return nil, err
		}
	}
	next = &publication{model: model, identity: found, loaded: time.Now()}
	for form := range next.prepared {
		options := mlcore.RecommendOptions{IncludeSeen: form&1 != 0, Fill: form&2 != 0}
		if next.prepared[form], err = model.Prepare(options); err != nil {
			return nil, err
		}
	}
	return next, warmUp(model)
}

// openOptions reads the catalogue beside the model.
func (m *models) openOptions() (options mlcore.Options, err error) {
	if m.attributes != "" {
		options.Attributes, err = tables.ReadAttributes(&tables.Input{
			Path: m.attributes, Note: func(text string) { m.log.Info("attributes", "note", text) },
		})
	}
	return options, err
}

// expectItems refuses a catalogue of other items, by which every filter would admit nothing.
func (m *models) expectItems(model *mlcore.Model, ids []string) error {
	unknown, err := model.CountUnknownItems(ids)
	if err == nil && unknown == len(ids) {
		err = fmt.Errorf("%s: item_id: expected items of the model, got none of them", m.attributes)
	}
	if err == nil && unknown > 0 {
		m.log.Info("attributes", "note", fmt.Sprintf("%d of %d items are not in the model, and are passed over", unknown, len(ids)))
	}
	return err
}

// warmUp parses the id maps and orders the items by popularity.
func warmUp(model *mlcore.Model) error {
	if _, _, err := model.ItemIndex(""); err != nil {
		return err
	}
	if _, _, err := model.UserIndex(""); err != nil {
		return err
	}
	_, err := model.RecommendHistory(nil, 1, mlcore.RecommendOptions{Fill: true})
	return err
}

func (m *models) publish(next *publication, begun time.Time) {
	manifest, mapped, first := next.model.Manifest(), next.model.Mapped(), m.current.Load() == nil
	m.replace(next)
	// Told only now: whoever reads it finds the new model answering.
	m.refused = identity{}
	m.metrics.lastReloadFailed.Store(false)
	message := "model loaded"
	if !first {
		message = "model reloaded"
		m.metrics.reloadsOK.Add(1)
	}
	m.log.Info(message, "model", next.name(), "dir", next.identity.dir, "users", manifest.Counts.Users,
		"items", manifest.Counts.Items, "pairs", manifest.Counts.Pairs, "mapped", mapped,
		"seconds", time.Since(begun).Seconds())
}

// replace lets another model, or none, answer from now on, and retires the one before.
func (m *models) replace(next *publication) {
	m.replacing.Lock()
	defer m.replacing.Unlock()
	if m.closed && next != nil {
		next.retire()
		return
	}
	m.closed = next == nil
	if previous := m.current.Swap(next); previous != nil {
		previous.retire()
	}
}

func (m *models) refuse(found identity, err error) {
	if errors.Is(err, errReplaced) {
		return // the next look finds the newer one
	}
	if m.current.Load() == nil {
		return // at the start, which fails
	}
	if isExhausted(err) {
		m.postpone(err)
		return
	}
	m.refused = found
	// A catalogue beside the model is no part of it, so no verdict is for its faults.
	verdict := cmp.Or(mlcore.VerdictOf(err), "attributes")
	m.metrics.reloadsRefused.Add(1)
	m.metrics.lastReloadFailed.Store(true)
	m.metrics.lastFailure.Store(&failure{time.Now(), verdict})
	m.log.Error("model refused, the old one serves on", "verdict", verdict, "error", err.Error(), "dir", found.dir)
}

// loadFirst opens the first model.
func (m *models) loadFirst(verify bool) error {
	const attempts = 10
	for attempt := 1; ; attempt++ {
		err := m.update(true, verify)
		if !errors.Is(err, errReplaced) || attempt == attempts {
			return err
		}
	}
}

// watch looks for newer models until the context ends, and at once when told to.
func (m *models) watch(ctx context.Context, interval time.Duration, now <-chan os.Signal, verify bool) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		force := false
		select {
		case <-ctx.Done():
			return
		case <-now:
			force = true
		case <-m.wake:
			force = true
		case <-ticker.C:
		}
		m.look(force, verify)
	}
}

// look updates, whatever happens: a fault of ours must not end the watch.
func (m *models) look(force, verify bool) {
	defer func() {
		if reason := recover(); reason != nil {
			m.log.Error("panic while looking for a newer model", "reason", fmt.Sprint(reason), "stack", stack())
		}
	}()
	m.update(force, verify) // which has logged what is wrong
	m.checkCurrent()
}

// close gives up the current model, and lets no other take its place.
func (m *models) close() { m.replace(nil) }
