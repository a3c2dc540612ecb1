package mlcore

import (
	"runtime/debug"
	"unsafe"
)

// AppendPrediction appends one line of a file of predictions, with its line feed.
func AppendPrediction(dst []byte, userID string, items []Item) []byte {
	dst = appendLineStart(dst, userID)
	for position := range items {
		item := &items[position]
		dst = appendLineItem(dst, position, item.ID, item.Score, item.Filled)
	}
	return append(dst, "]}\n"...)
}

func appendLineStart(dst []byte, userID string) []byte {
	dst = append(dst, `{"user_id": `...)
	dst = AppendString(dst, userID)
	return append(dst, `, "items": [`...)
}

func appendLineItem(dst []byte, position int, id string, score float64, filled bool) []byte {
	if position > 0 {
		dst = append(dst, ", "...)
	}
	dst = append(dst, `{"item_id": `...)
	dst = AppendString(dst, id)
	dst = append(dst, `, "score": `...)
	dst = AppendNumber(dst, score)
	if filled {
		dst = append(dst, `, "source": "popularity"`...)
	}
	return append(dst, '}')
}

// Prepared answers many requests under the same options: their ids are resolved once, and lists are
// written as text without an allocation for each. It may be used from many goroutines at once.
type Prepared struct {
	model  *Model
	filter filter
}

// Prepare resolves options.
func (m *Model) Prepare(options RecommendOptions) (*Prepared, error) {
	p := &Prepared{model: m}
	err := m.use(StagePredict, func() error {
		if err := p.filter.set(m, &options); err != nil {
			return err
		}
		p.filter.prepare(m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Recommend is [Model.Recommend] under the prepared options.
func (p *Prepared) Recommend(userID string, n int) ([]Item, error) {
	return p.model.answer(request{user: userID, byUser: true, n: n, filter: &p.filter})
}

// RecommendHistory is [Model.RecommendHistory] under the prepared options.
func (p *Prepared) RecommendHistory(history []HistoryItem, n int) ([]Item, error) {
	return p.model.answer(request{history: history, n: n, filter: &p.filter})
}

// Line says what was written for one request.
type Line struct {
	Items        int // length of the list
	UnknownItems int // items of the history that the model does not have
}

// AppendRecommend appends the line of predictions for a user of the model.
func (p *Prepared) AppendRecommend(dst []byte, userID string, n int) ([]byte, Line, error) {
	return p.appendLine(dst, userID, request{user: userID, byUser: true, n: n, filter: &p.filter})
}

// AppendRecommendHistory appends the line of predictions for a history; userID only names it.
func (p *Prepared) AppendRecommendHistory(dst []byte, userID string, history []HistoryItem, n int) ([]byte, Line, error) {
	return p.appendLine(dst, userID, request{history: history, n: n, filter: &p.filter})
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
	if line.UnknownItems, err = m.rankRequest(s, &r); err == nil {
		line.Items = len(s.top.list)
		err = m.items.parse()
	}
	if err == nil {
		result = m.appendList(dst, s, userID)
	}
	m.scratches.Put(s)
	return result, line, atStage(err, StagePredict)
}

func (m *Model) appendList(dst []byte, s *scratch, userID string) []byte {
	dst = appendLineStart(dst, userID)
	for position, item := range s.top.list {
		id := m.items.field(int(item.index))
		if id[0] == '"' {
			s.text = appendUnquoted(s.text[:0], id)
			id = s.text
		}
		// The string does not outlive this step, and nothing writes to its bytes meanwhile.
		text := unsafe.String(unsafe.SliceData(id), len(id))
		dst = appendLineItem(dst, position, text, item.score, item.filled)
	}
	return append(dst, "]}\n"...)
}
