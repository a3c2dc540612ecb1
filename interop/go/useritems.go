package mlcore

import (
	"cmp"
	"slices"
)

// UserItems are items of some users: the candidates of each, or what each must not get. See [Prepared.ByUser].
type UserItems struct {
	rows   map[string]int
	starts []int   // of each row, and the end of the last
	items  []int32 // ascending within a row
}

// UserItem is a pair of positions in the lists of ids that [Model.UserItems] takes.
type UserItem struct{ User, Item int32 }

// UserItems returns the items of pairs in any order. Items that the model does not have are passed over; a
// user of none but these has no item.
func (m *Model) UserItems(userIDs, itemIDs []string, pairs []UserItem) (*UserItems, error) {
	u := &UserItems{rows: make(map[string]int, len(userIDs)), starts: make([]int, len(userIDs)+1)}
	err := m.use(StagePredict, func() error {
		if err := m.items.parse(); err != nil {
			return err
		}
		positions := make([]int32, len(itemIDs))
		for index, id := range itemIDs {
			positions[index] = int32(m.items.position(id))
		}
		for row, id := range userIDs {
			u.rows[id] = row
		}
		u.set(positions, slices.Clone(pairs))
		return nil
	})
	return u, err
}

// set takes pairs, which it puts in order, with the position of each item, -1 for an unknown one.
func (u *UserItems) set(positions []int32, pairs []UserItem) {
	for index, pair := range pairs {
		pairs[index].Item = positions[pair.Item]
	}
	slices.SortFunc(pairs, func(a, b UserItem) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Item, b.Item))
	})
	u.items = make([]int32, 0, len(pairs))
	for _, pair := range slices.Compact(pairs) {
		if pair.Item >= 0 {
			u.items = append(u.items, pair.Item)
			u.starts[pair.User+1]++
		}
	}
	for row := 1; row < len(u.starts); row++ {
		u.starts[row] += u.starts[row-1]
	}
}

// of returns the items of a user, which are not nil.
func (u *UserItems) of(userID string) []int32 {
	if row, isThere := u.rows[userID]; isThere {
		return u.items[u.starts[row]:u.starts[row+1]:u.starts[row+1]]
	}
	return []int32{}
}

// Row returns the position of a user in the list of ids, or false if the user has no row.
func (u *UserItems) Row(userID string) (row int, isThere bool) {
	row, isThere = u.rows[userID]
	return row, isThere
}

// narrowed is a filter for one user, with memory of its own.
type narrowed struct {
	filter
	includeOwn, excludeOwn, popularOwn []int32
}

// set returns what another filter allows, of which the user may get only these items, nil for all, and none of
// the others. Both ascend.
func (w *narrowed) set(m *Model, base *filter, only, never []int32) *filter {
	w.filter = *base
	if only == nil {
		w.excludeOwn = append(append(w.excludeOwn[:0], base.exclude...), never...)
		slices.Sort(w.excludeOwn)
		w.exclude = w.excludeOwn
		return &w.filter
	}
	w.includeOwn = slices.Grow(w.includeOwn[:0], 1) // not nil, which would allow all
	for _, item := range only {
		isAllowed := base.include == nil || contains(base.include, item)
		if isAllowed && !contains(base.exclude, item) && !contains(never, item) {
			w.includeOwn = append(w.includeOwn, item)
		}
	}
	w.include, w.exclude = w.includeOwn, nil
	if base.fill {
		w.popularOwn = m.sortByPopularity(append(w.popularOwn[:0], w.includeOwn...))
		w.popular = w.popularOwn
	}
	return &w.filter
}
