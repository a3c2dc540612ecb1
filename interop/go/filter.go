package mlcore

import (
	"cmp"
	"slices"
)

// filter is RecommendOptions with positions in place of ids.
type filter struct {
	include     []int32 // ascending; nil allows all. Excluded items are not among them.
	exclude     []int32 // ascending
	popular     []int32 // include, the most popular first; only with fill
	gate        gate    // of what these allow, what passes
	includeSeen bool
	fill        bool
	explain     bool
	maxShares   int // of an explained list; 0 for any

	finalWeights bool
	now          Timestamp

	includeRoom []int32 // memory of include, which may be nil
}

// check refuses options for what they say themselves, and for columns that the model does not have.
func (f *filter) check(m *Model, options *RecommendOptions) error {
	if err := options.Now.check("now"); err != nil || options.Filter == nil {
		return err
	}
	return f.gate.check(m, options.Filter)
}

// set resolves the ids of checked options; the memory of the filter is used again.
func (f *filter) set(m *Model, options *RecommendOptions) error {
	if len(options.Include)+len(options.Exclude) > 0 {
		if err := m.items.parse(); err != nil {
			return err
		}
	}
	f.includeSeen, f.fill, f.explain = options.IncludeSeen, options.Fill, options.Explain
	f.finalWeights, f.now, f.maxShares = options.FinalWeights, options.Now, options.MaxShares
	f.exclude = m.items.positions(f.exclude[:0], options.Exclude)
	f.include = nil
	if options.Include != nil {
		f.includeRoom = m.items.positions(f.includeRoom[:0], options.Include)
		f.restrict(m, f.includeRoom)
	}
	f.gate.reset()
	if options.Filter != nil {
		return f.gate.set(m, options.Filter)
	}
	return nil
}

// restrict allows only the given items, less the excluded ones.
func (f *filter) restrict(m *Model, include []int32) {
	f.include = slices.DeleteFunc(include, func(item int32) bool { return contains(f.exclude, item) })
	if f.include == nil {
		f.include = []int32{}
	}
	f.exclude = f.exclude[:0]
	if f.fill {
		f.popular = m.sortByPopularity(append(f.popular[:0], f.include...))
	}
}

// prepare makes the filter fit for many requests: a long list of items to exclude, which every request
// would have to go through, or a gate that few items pass, becomes the list of those that stay.
func (f *filter) prepare(m *Model) error {
	isLong := f.include == nil && len(f.exclude) >= len(m.counts)/8
	if f.gate.isOpen() && !isLong {
		return nil
	}
	allowed := f.include
	if allowed == nil {
		allowed = make([]int32, len(m.counts))
		for item := range allowed {
			allowed[item] = int32(item)
		}
	}
	allowed, err := m.admitted(&f.gate, allowed)
	if err != nil {
		return err
	}
	if f.include != nil || isLong || len(allowed) < len(m.counts)/8 {
		f.restrict(m, allowed)
		f.gate.conditions, f.gate.timed = nil, false
	}
	return nil
}

// sortByPopularity orders items by their popularity, ties by position; those without users are left out.
func (m *Model) sortByPopularity(items []int32) []int32 {
	if m.decayed != nil {
		return sortBy(m.decayed, items)
	}
	return sortBy(m.counts, items)
}

func sortBy[T int64 | float64](popularity []T, items []int32) []int32 {
	items = slices.DeleteFunc(items, func(item int32) bool { return popularity[item] == 0 })
	slices.SortFunc(items, func(a, b int32) int {
		if byPopularity := cmp.Compare(popularity[b], popularity[a]); byPopularity != 0 {
			return byPopularity
		}
		return cmp.Compare(a, b)
	})
	return items
}

// byPopularity returns all items that users have, in this order, once it has found all numbers sound.
func (m *Model) byPopularity() ([]int32, error) {
	m.popularLock.Lock()
	defer m.popularLock.Unlock() // also if a mapped file faults; the next request then tries again
	if m.popular == nil {
		if !areNorms(m.decayed) || (m.decayed == nil && !areNorms(m.counts)) {
			return nil, refuse(VerdictCSR, m.files.path(popularityFile), "", "finite numbers of at least 0", "others")
		}
		order := make([]int32, len(m.counts))
		for item := range order {
			order[item] = int32(item)
		}
		m.popular = m.sortByPopularity(order)
	}
	return m.popular, nil
}

func areNorms[T int64 | float64](values []T) bool {
	return !slices.ContainsFunc(values, func(value T) bool { return !isNorm(float64(value)) })
}
