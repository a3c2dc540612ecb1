package mlcore

import "math"

// group is the items with one value in the column of a cap.
type group struct {
	column int32 // position among the caps
	code   int32
}

// counter knows how many items of a list each group has.
type counter map[group]int

// isFull reports whether an item is of a group that has as many items as it may.
func (c counter) isFull(caps []groupCap, item int32) bool {
	for position := range caps {
		if held := c[group{int32(position), caps[position].codes[item]}]; held >= caps[position].most {
			return true
		}
	}
	return false
}

func (c counter) count(caps []groupCap, item int32) {
	for position := range caps {
		if code := caps[position].codes[item]; code >= 0 { // no value makes no group
			c[group{int32(position), code}]++
		}
	}
}

// rankCapped makes the list under caps, in order. Nearly always it is among a few times n of the best
// candidates; else it takes all of them.
func (m *Model) rankCapped(s *scratch, items []int32, weights []float32, n int, f *filter) error {
	if s.held == nil {
		s.held = counter{}
	}
	for _, limit := range [...]int{4 * min(n, len(m.counts)), math.MaxInt} {
		if err := m.rankBest(s, items, weights, limit, f); err != nil {
			return err
		}
		s.rest, s.top.list, s.top.n = s.top.list, s.rest[:0], n
		clear(s.held)
		if err := s.choose(&f.gate, s.rest, n); err != nil {
			return err
		}
		if len(s.top.list) == n || len(s.rest) < limit {
			break
		}
	}
	return nil
}

// choose makes the list of n of all candidates, of which none may come that is of a full group: ATT-6.
//
// It walks the best of them, many times as many in each turn. Those behind are looked at again only if the
// list is short, without the groups that are full by then: these stay so.
func (s *scratch) choose(g *gate, candidates []ranked, n int) error {
	for window := 4 * min(n, len(candidates)); len(candidates) > 0; window *= 2 {
		if err := s.work(len(candidates) * stepsOfCap); err != nil {
			return err
		}
		s.best.reset(window)
		for _, item := range candidates {
			if item.score >= s.best.floor {
				s.best.offer(item)
			}
		}
		s.best.sort()
		for _, item := range s.best.list {
			if len(s.top.list) == n {
				return nil
			}
			s.take(g, item)
		}
		if len(candidates) <= window {
			return nil
		}
		last, behind := s.best.list[window-1], candidates[:0]
		for _, item := range candidates {
			if better(last, item) && !s.held.isFull(g.caps, item.index) {
				behind = append(behind, item)
			}
		}
		candidates = behind
	}
	return nil
}

// take gives an item its place in the list, unless one of its groups is full.
func (s *scratch) take(g *gate, item ranked) {
	for _, column := range g.caps {
		if !g.table.isCode(column.codes[item.index]) {
			s.top.faulty = attributesFile
			return
		}
	}
	if !s.held.isFull(g.caps, item.index) {
		s.held.count(g.caps, item.index)
		s.top.list = append(s.top.list, item)
	}
}
