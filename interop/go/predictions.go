package mlcore

import (
	"io"
	"runtime/debug"
	"strconv"
	"strings"
	"unsafe"
)

// AppendPrediction appends one line of a file of predictions, with its line feed.
func AppendPrediction(dst []byte, userID string, items []Item) []byte {
	dst = appendLineStart(dst, userID)
	dst = AppendItems(dst, items)
	return append(dst, "}\n"...)
}

// AppendItems appends a list as it stands in a file of predictions, from bracket to bracket.
func AppendItems(dst []byte, items []Item) []byte {
	dst, _ = appendPieces(dst, items, func(text []byte) ([]byte, error) { return text, nil })
	return dst
}

// pieceSize is what WriteItems lets gather before it writes.
const pieceSize = 256 << 10

// WriteItems writes what AppendItems appends, piece by piece, and returns the last piece unwritten: for a
// list that is not long this is all of it. dst is the memory of the pieces, and may hold what comes first.
func WriteItems(w io.Writer, dst []byte, items []Item) ([]byte, error) {
	return appendPieces(dst, items, func(text []byte) ([]byte, error) {
		if len(text) < pieceSize {
			return text, nil
		}
		_, err := w.Write(text)
		return text[:0], err
	})
}

// appendPieces appends a list; after each item and share, pass may take what is there.
func appendPieces(dst []byte, items []Item, pass func([]byte) ([]byte, error)) (text []byte, err error) {
	dst = append(dst, '[')
	for position := range items {
		item := &items[position]
		dst = appendLineItem(dst, position, item.ID, item.Score, item.Filled)
		if item.Because != nil {
			dst = append(dst, becauseStart...)
			for index := range item.Because {
				dst = appendLineShare(dst, index, item.Because[index].ID, item.Because[index].Share)
				if dst, err = pass(dst); err != nil {
					return dst, err
				}
			}
			dst = append(dst, ']')
		}
		if dst, err = pass(append(dst, '}')); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendLineStart(dst []byte, userID string) []byte {
	dst = append(dst, `{"user_id": `...)
	dst = AppendString(dst, userID)
	return append(dst, `, "items": `...)
}

// appendLineItem appends an item without its end, before which its reasons may stand.
func appendLineItem(dst []byte, position int, id string, score float64, filled bool) []byte {
	dst = appendPair(dst, position, id, `, "score": `, score)
	if filled {
		dst = append(dst, `, "source": "popularity"`...)
	}
	return dst
}

const becauseStart = `, "because": [`

func appendLineShare(dst []byte, position int, id string, share float64) []byte {
	return append(appendPair(dst, position, id, `, "share": `, share), '}')
}

func appendPair(dst []byte, position int, id, key string, value float64) []byte {
	if position > 0 {
		dst = append(dst, ", "...)
	}
	dst = append(dst, `{"item_id": `...)
	dst = AppendString(dst, id)
	dst = append(dst, key...)
	return AppendNumber(dst, value)
}

// Prepared answers many requests under the same options: their ids are resolved once, and lists are
// written as text without an allocation for each. It may be used from many goroutines at once.
type Prepared struct {
	model     *Model
	filter    *filter
	guard     Guard // or nil
	delimiter byte  // of rows, or 0 for JSON Lines

	include, exclude *UserItems // of each user; nil for no limits
}

// Prepare resolves options.
func (m *Model) Prepare(options RecommendOptions) (*Prepared, error) {
	p := &Prepared{model: m, filter: new(filter), guard: options.Guard}
	err := m.use(StagePredict, func() error {
		if err := p.filter.check(m, &options); err != nil {
			return err
		}
		if err := p.filter.set(m, &options); err != nil {
			return err
		}
		return p.filter.prepare(m)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// AllowsNothing reports whether the options leave no item that any list may hold.
func (p *Prepared) AllowsNothing() bool { return p.filter.include != nil && len(p.filter.include) == 0 }

// RowColumns are the columns of a list as rows; ranks begin at 1.
var RowColumns = []string{"user_id", "item_id", "rank", "score", "source"}

// AsRows returns the same options, under which lists are appended as CSV: a row for each item, none for
// an empty list, without contributions.
func (p *Prepared) AsRows(delimiter byte) *Prepared {
	rows := *p
	rows.delimiter = delimiter
	return &rows
}

// WithFinalWeights returns the same options with FinalWeights.
func (p *Prepared) WithFinalWeights() *Prepared {
	final, weights := *p, *p.filter
	weights.finalWeights = true
	final.filter = &weights
	return &final
}

// Under returns the same options under another guard.
func (p *Prepared) Under(guard Guard) *Prepared {
	guarded := *p
	guarded.guard = guard
	return &guarded
}

// ByUser returns the same options, under which the list of a user holds of what they allow only items of
// include, none for a user without a row there, and no item of exclude. Each may be nil for no limits.
func (p *Prepared) ByUser(include, exclude *UserItems) *Prepared {
	limited := *p
	limited.include, limited.exclude = include, exclude
	return &limited
}

// request returns a request of a user under the options.
func (p *Prepared) request(userID string, n int) request {
	r := request{user: userID, n: n, filter: p.filter, guard: p.guard}
	if p.include != nil {
		r.only = p.include.of(userID)
	}
	if p.exclude != nil {
		r.never = p.exclude.of(userID)
	}
	return r
}

// Recommend is [Model.Recommend] under the prepared options.
func (p *Prepared) Recommend(userID string, n int) ([]Item, error) {
	r := p.request(userID, n)
	r.byUser = true
	return p.model.answer(r)
}

// RecommendHistory is [Model.RecommendHistory] under the prepared options, except for those by user.
func (p *Prepared) RecommendHistory(history []HistoryItem, n int) ([]Item, error) {
	return p.model.answer(request{history: history, n: n, filter: p.filter, guard: p.guard})
}

// Line says what was written for one request.
type Line struct {
	Items        int // length of the list
	FilledItems  int // those of them that were filled in
	KnownItems   int // items of the history that the model has
	UnknownItems int // and those that it does not have
}

// AppendRecommend appends the list for a user of the model: a line of predictions, or rows.
func (p *Prepared) AppendRecommend(dst []byte, userID string, n int) ([]byte, Line, error) {
	r := p.request(userID, n)
	r.byUser = true
	return p.appendLine(dst, userID, r)
}

// AppendRecommendHistory appends the list for a history, likewise; userID names it, and what ByUser has for it.
func (p *Prepared) AppendRecommendHistory(dst []byte, userID string, history []HistoryItem, n int) ([]byte, Line, error) {
	r := p.request(userID, n)
	r.history = history
	return p.appendLine(dst, userID, r)
}

func (p *Prepared) appendLine(dst []byte, userID string, r request) (result []byte, line Line, err error) {
	m := p.model
	if !m.Acquire() {
		return dst, Line{}, ErrClosed
	}
	defer m.Release()
	result = dst
	defer m.catchFault(debug.SetPanicOnFault(true), StagePredict, &err)
	s := m.scratch()
	if line, err = m.rankRequest(s, &r); err == nil {
		err = m.items.parse()
	}
	if err == nil {
		if p.delimiter == 0 {
			result = m.appendList(dst, s, userID)
		} else {
			result = m.appendRows(dst, s, userID, p.delimiter)
		}
	}
	m.keep(s)
	return result, line, m.checked(err, StagePredict)
}

func (m *Model) appendList(dst []byte, s *scratch, userID string) []byte {
	dst = append(appendLineStart(dst, userID), '[')
	for position, item := range s.top.list {
		dst = appendLineItem(dst, position, m.itemText(s, item.index), item.score, item.filled)
		if reasons, isAsked := s.reasonsOf(position); isAsked {
			dst = append(dst, becauseStart...)
			for index, reason := range reasons {
				dst = appendLineShare(dst, index, m.itemText(s, s.explained[reason.place]), reason.share)
			}
			dst = append(dst, ']')
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}\n"...)
}

func (m *Model) appendRows(dst []byte, s *scratch, userID string, delimiter byte) []byte {
	for position, item := range s.top.list {
		dst = append(appendField(dst, userID, delimiter), delimiter)
		dst = append(appendField(dst, m.itemText(s, item.index), delimiter), delimiter)
		dst = append(strconv.AppendInt(dst, int64(position)+1, 10), delimiter)
		dst = append(AppendNumber(dst, item.score), delimiter)
		source := "similarity"
		if item.filled {
			source = "popularity"
		}
		dst = append(append(dst, source...), '\n')
	}
	return dst
}

// appendField appends a field of CSV, quoted only if it must be.
func appendField(dst []byte, text string, delimiter byte) []byte {
	if !strings.ContainsAny(text, "\"\r\n") && strings.IndexByte(text, delimiter) < 0 {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(text, `"`, `""`)...)
	return append(dst, '"')
}

// itemText returns an id that is to be used before the next one is asked for.
func (m *Model) itemText(s *scratch, index int32) string {
	id := m.items.field(int(index))
	if id[0] == '"' {
		s.text = appendUnquoted(s.text[:0], id)
		id = s.text
	}
	return unsafe.String(unsafe.SliceData(id), len(id))
}
