package main

import (
	"errors"
	"fmt"
	"slices"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// pairFile is a file of pairs of users and items, and which of its users were asked for.
type pairFile struct {
	input   *tables.Input
	use     string // "included" or "excluded"
	items   *mlcore.UserItems
	userIDs []string
	asked   []bool // of the users

	numItems, unknown int
	without           int // users asked for of which the file has no row
}

// readPairs returns the items of each user of a file; of no file, nil.
func (p *predictor) readPairs(path, use string) (*mlcore.UserItems, error) {
	if path == "" {
		return nil, nil
	}
	file := &pairFile{input: p.input(path), use: use}
	pairs, err := tables.ReadPairs(file.input)
	if none := (*tables.NoRows)(nil); use == "excluded" && errors.As(err, &none) {
		pairs, err = &tables.Pairs{}, nil
	}
	if err != nil {
		return nil, err
	}
	if file.unknown, err = p.countUnknown(file.input, pairs.ItemIDs, use); err != nil {
		return nil, err
	}
	file.userIDs, file.numItems, file.asked = pairs.UserIDs, len(pairs.ItemIDs), make([]bool, len(pairs.UserIDs))
	file.items, err = p.model.UserItems(pairs.UserIDs, pairs.ItemIDs, pairs.Rows)
	p.pairs = append(p.pairs, file)
	return file.items, err
}

// expectUsers refuses pairs none of whose users will be asked for, or says so, where that is known already.
func (p *predictor) expectUsers() (err error) {
	if len(p.pairs) == 0 || p.args.histories != "" {
		return nil
	}
	asked, owner := p.userID, p.input(p.args.users).Name()
	if p.args.users == "" {
		owner = "the model"
		if asked, err = allIDs(p.model.Manifest().Counts.Users, p.model.UserID); err != nil {
			return err
		}
	}
	for _, file := range p.pairs {
		if err := file.expect(asked, owner); err != nil {
			return err
		}
	}
	return nil
}

func (f *pairFile) expect(asked []string, owner string) error {
	isThere := func(id string) bool {
		_, isThere := f.items.Row(id)
		return isThere
	}
	if len(f.userIDs) == 0 || slices.ContainsFunc(asked, isThere) {
		return nil
	}
	return refuseOrNote(f.input, tables.NoneKnown(f.input.Name(), "user_id", f.userIDs, asked, owner), f.use)
}

// noteAsked counts the users of requests that have been answered.
func (p *predictor) noteAsked(requests []listRequest) {
	if len(p.pairs) == 0 {
		return
	}
	for _, request := range requests {
		if request.isSkipped {
			continue
		}
		if len(p.asked) < maxExamples {
			p.asked = append(p.asked, request.userID)
		}
		for _, file := range p.pairs {
			if row, isThere := file.items.Row(request.userID); isThere {
				file.asked[row] = true
			} else {
				file.without++
			}
		}
	}
}

// expectAsked does what expectUsers does once the users of histories are known.
func (p *predictor) expectAsked() error {
	if p.args.histories == "" {
		return nil
	}
	for _, file := range p.pairs {
		if slices.Contains(file.asked, true) {
			continue
		}
		if err := file.expect(p.asked, p.input(p.args.histories).Name()); err != nil {
			return err
		}
	}
	return nil
}

func (f *pairFile) summary() (parts []string) {
	if f.unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d items of %s pairs unknown", f.unknown, f.numItems, f.use))
	}
	others := 0
	for _, isAsked := range f.asked {
		if !isAsked {
			others++
		}
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d users of %s pairs not asked for", others, len(f.asked), f.use))
	}
	if f.without > 0 && f.use == "included" {
		parts = append(parts, fmt.Sprintf("%d users without %s pairs", f.without, f.use))
	}
	return parts
}
