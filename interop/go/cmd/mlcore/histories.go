package main

import (
	"errors"
	"fmt"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// timeOfRequests returns what --now says, or no time.
func (a *predictArgs) timeOfRequests() (mlcore.Timestamp, error) {
	if a.now == nil {
		return mlcore.Timestamp{}, nil
	}
	microseconds, err := tables.ParseTimestamp(*a.now)
	if fault := (*tables.BadValue)(nil); errors.As(err, &fault) {
		return mlcore.Timestamp{}, &hinted{"now: " + fault.Message, fault.Hint}
	}
	return mlcore.UnixMicro(microseconds), err
}

// expectHistories refuses what is for --histories alone.
func (a *predictArgs) expectHistories() error {
	name := ""
	switch {
	case a.histories != "":
	case a.weights != "events":
		name = "weights"
	case a.now != nil:
		name = "now"
	}
	if name == "" {
		return nil
	}
	return &hinted{name + ": expected --histories with it, got none",
		"the histories of users of the model are ready"}
}

// histories gives the requests of --histories to a function, in order.
func (p *predictor) histories(give func(listRequest) error) (err error) {
	weights := tables.Weights{
		HasRule: p.model.Manifest().WithHistoryRule(), Final: p.args.weights == "final",
	}
	if p.args.now != nil && (weights.Final || !p.model.AgesEvents()) {
		p.std.note("now: changes nothing, as no event ages here")
	}
	// Set before the first request is given, and so before anybody else looks at it.
	p.source, err = tables.OpenHistories(p.input(p.args.histories), weights, p.args.threads)
	if err != nil {
		return err
	}
	return p.source.Each(func(place tables.HistoryPlace) error { return give(listRequest{place: place}) })
}

// answerHistory writes the line of a request of --histories.
func (p *predictor) answerHistory(block *block, request *listRequest) (line mlcore.Line, err error) {
	read, err := p.source.Read(request.place)
	if request.userID = read.UserID; err != nil {
		return line, err
	}
	block.history = block.history[:0]
	for _, item := range read.Items {
		event := mlcore.HistoryItem{ID: item.ID, Weight: item.Weight}
		if item.HasTime {
			event.Time = mlcore.UnixMicro(item.Time)
		}
		block.history = append(block.history, event)
	}
	lists := p.lists
	if read.Final {
		lists = p.final
	}
	block.text, line, err = lists.AppendRecommendHistory(block.text, read.UserID, block.history, int(p.args.topN))
	if mlcore.VerdictOf(err) == mlcore.VerdictRequest {
		err = refuseHistory(read.Place, err)
	}
	return line, err
}

// expectOnce ends a block before the history of a user who came before.
func (p *predictor) expectOnce(block *block) {
	end := 0
	for _, request := range block.requests {
		if p.source == nil || request.userID == "" { // it was not read
			return
		}
		if err := p.source.Once(request.userID, request.place); err != nil {
			block.text, block.packed, block.err = block.text[:end], nil, err
			return
		}
		end = request.end
	}
}

// refuseHistory gives a fault of a history its place in the file.
func refuseHistory(place string, err error) error {
	message := fmt.Sprintf("%s: %s", place, err)
	var refusal *mlcore.Error
	if errors.As(err, &refusal) && strings.HasPrefix(refusal.Expected, "a timestamp") {
		return &hinted{message, "--now says up to which time events age"}
	}
	return errors.New(message)
}
