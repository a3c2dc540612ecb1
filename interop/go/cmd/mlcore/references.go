package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/show"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// readFilter returns the items of a file, and counts the unknown ones. If none is known, that is
// refused; but excluded items may be those of another catalogue, with a note.
func (p *predictor) readFilter(path, use string) ([]string, error) {
	input := p.input(path)
	hasUsers := false
	input.OnNames = func(names []string) { hasUsers = hasUsers || slices.Contains(names, p.args.columns.User) }
	ids, err := tables.ReadIDs(input, tables.Items, nil)
	if none := (*tables.NoRows)(nil); use == "excluded" && errors.As(err, &none) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if hasUsers {
		input.Note(fmt.Sprintf("%s: %s: passed over, as these items are %s for all users; --%s-pairs takes items of each user",
			input.Name(), p.args.columns.User, use, strings.TrimSuffix(use, "d")))
	}
	unknown, err := p.countUnknown(input, ids, use)
	if unknown > 0 {
		p.unknownFilters = append(p.unknownFilters, fmt.Sprintf("%d of %d %s items unknown", unknown, len(ids), use))
	}
	return ids, err
}

// countUnknown counts the items that the model does not have; if it has none, that is refused or noted.
func (p *predictor) countUnknown(input *tables.Input, ids []string, use string) (int, error) {
	unknown, err := p.model.CountUnknownItems(ids)
	if err != nil || unknown == 0 || unknown < len(ids) {
		return unknown, err
	}
	known, err := allIDs(p.model.Manifest().Counts.Items, p.model.ItemID)
	if err != nil {
		return 0, err
	}
	return unknown, refuseOrNote(input, tables.NoneKnown(input.Name(), "item_id", ids, known, "the model"), use)
}

// refuseOrNote refuses what is to be included; what is to be excluded may be that of another model.
func refuseOrNote(input *tables.Input, fault *tables.Error, use string) error {
	if use == "included" {
		return fault
	}
	input.Note(fault.Message + "; " + fault.Hint)
	return nil
}

// readUsers returns the users of a file. If none is known, that is refused, except for new ones who
// are to get popular items.
func (p *predictor) readUsers() ([]string, error) {
	input := p.input(p.args.users)
	anyKnown := false
	ids, err := tables.ReadIDs(input, tables.Users, func(id string) error {
		_, isKnown, err := p.model.UserIndex(id)
		anyKnown = anyKnown || isKnown
		if err == nil && !isKnown && p.args.unknownUser == "error" {
			return p.unknownUser(id)
		}
		return err
	})
	if err != nil || anyKnown {
		return ids, err
	}
	known, err := allIDs(p.model.Manifest().Counts.Users, p.model.UserID)
	if err != nil {
		return nil, err
	}
	if p.args.unknownUser == "skip" || tables.LikelyReason(ids, known) != "" {
		return nil, tables.NoneKnown(input.Name(), "user_id", ids, known, "the model")
	}
	return ids, nil
}

func (p *predictor) unknownUser(id string) error {
	known, err := allIDs(p.model.Manifest().Counts.Users, p.model.UserID)
	if err != nil {
		return err
	}
	hint := tables.LikelyReason([]string{id}, known)
	if hint == "" {
		hint = "--unknown-user skip leaves such users out, fill gives them popular items"
	}
	return &tables.BadValue{Message: "expected a user of the model, got " + show.String(id), Hint: hint}
}

func allIDs(count int64, idAt func(int) (string, error)) ([]string, error) {
	ids := make([]string, count)
	for index := range ids {
		id, err := idAt(index)
		if err != nil {
			return nil, err
		}
		ids[index] = id
	}
	return ids, nil
}

// maxExamples is how many unknown items of histories are compared with the known ones.
const maxExamples = 100

func addExamples(examples []string, history []mlcore.HistoryItem) []string {
	if len(examples) < maxExamples {
		for _, item := range history {
			examples = append(examples, item.ID)
		}
	}
	return examples
}

// noteStrangeItems says that no item of the histories is known.
func (p *predictor) noteStrangeItems() error {
	if p.unknownItems == 0 || p.knownItems > 0 {
		return nil
	}
	known, err := allIDs(p.model.Manifest().Counts.Items, p.model.ItemID)
	if err != nil {
		return err
	}
	input := p.input(p.args.histories)
	examples := p.examples[:min(len(p.examples), maxExamples)]
	fault := tables.NoneKnown(input.Name(), "item_id", examples, known, "the model")
	input.Note(fault.Message + "; " + fault.Hint)
	return nil
}
