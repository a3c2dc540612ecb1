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
func (p *predictor) histories(give func(listRequest) error) error {
	weights := tables.Weights{
		HasRule: p.model.Manifest().WithHistoryRule(), Final: p.args.weights == "final",
	}
	if p.args.now != nil && (weights.Final || !p.model.AgesEvents()) {
		p.std.note("now: changes nothing, as no event ages here")
	}
	return tables.ReadHistories(p.input(p.args.histories), weights, func(history tables.History) error {
		request := listRequest{userID: history.UserID, isFinal: history.Final, place: history.Place}
		for _, item := range history.Items {
			event := mlcore.HistoryItem{ID: item.ID, Weight: item.Weight}
			if item.HasTime {
				event.Time = mlcore.UnixMicro(item.Time)
			}
			request.history = append(request.history, event)
		}
		return give(request)
	})
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
