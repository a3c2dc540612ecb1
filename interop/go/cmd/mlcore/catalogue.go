package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/filters"
	"github.com/mlcore/mlcore/interop/go/internal/show"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// catalogueArgs are the flags of rules by the catalogue.
type catalogueArgs struct {
	attributes string
	filter     *string // nil if it is not given
}

func (a *catalogueArgs) declare(flags *flag.FlagSet) {
	flags.StringVar(&a.attributes, "attributes", "", attributesUsage)
	flags.Func("filter", "which items may be listed: JSON such as "+
		`{"any_of": {"brand": ["a"]}, "none_of": {}, "available_at": 0, "at_most": {"series": 2}}, or a`+" `file` of it",
		func(text string) error { a.filter = &text; return nil })
}

const (
	attributesUsage = "a `file` of items, with a column item_id and others, in place of the catalogue that the model has"

	// Hints are those of mlcore/recommend/filter.py.
	noFilterFile = `a filter is a file, or JSON that begins with {: '{"any_of": {"brand": ["acme"]}}'`
	singleQuotes = "in single quotes, the shell leaves the double ones within as they are"
	noAttributes = "--attributes FILE keeps the catalogue when training, or brings it when predicting"
)

// filterPath returns the file of --filter, or nothing.
func (a *catalogueArgs) filterPath() string {
	if a.filter == nil {
		return ""
	}
	if text := strings.TrimSpace(*a.filter); text == "" || text[0] == '{' {
		return ""
	}
	return *a.filter
}

// parseFilter returns the filter, or nil if there is none.
func (a *catalogueArgs) parseFilter() (*mlcore.Filter, error) {
	if a.filter == nil {
		return nil, nil
	}
	text, place := *a.filter, "filter"
	if path := a.filterPath(); path != "" {
		place = path
		if info, err := os.Stat(place); err == nil && info.IsDir() {
			return nil, &hinted{"filter: " + place + ": expected a file, got a directory", noFilterFile}
		}
		data, err := tables.ReadDocument(place)
		if err != nil {
			return nil, &hinted{"filter: " + err.Error(), cmp.Or(hintOf(err), noFilterFile)}
		}
		text = data
	}
	filter, fault := filters.Parse(text)
	if fault != nil && fault.Malformed && a.filterPath() == "" && !strings.Contains(text, `"`) {
		fault.Hint = singleQuotes
	}
	if fault != nil {
		return nil, &hinted{fault.At(place), fault.Hint}
	}
	return filter, nil
}

// open opens a model, with the catalogue beside it if there is one.
func (a *catalogueArgs) open(modelDir string, input *tables.Input) (*mlcore.Model, error) {
	if a.attributes == "" {
		return mlcore.Open(modelDir, mlcore.Options{})
	}
	attributes, err := tables.ReadAttributes(input)
	if err != nil {
		return nil, err
	}
	model, err := mlcore.Open(modelDir, mlcore.Options{Attributes: attributes})
	if err != nil {
		return nil, err
	}
	if err := expectItems(model, attributes.Items, input); err != nil {
		model.Close()
		return nil, err
	}
	return model, nil
}

// expectItems refuses a catalogue of none of the items of the model, and notes how many it does not have.
func expectItems(model *mlcore.Model, ids []string, input *tables.Input) error {
	unknown, err := model.CountUnknownItems(ids)
	if err != nil || unknown == 0 {
		return err
	}
	if unknown == len(ids) {
		known, err := allIDs(model.Manifest().Counts.Items, model.ItemID)
		if err != nil {
			return err
		}
		return tables.NoneKnown(input.Name(), "item_id", ids, known, "the model")
	}
	input.Note(fmt.Sprintf("%s: item_id: %d of %d items are not in the model, and are passed over", input.Name(), unknown, len(ids)))
	return nil
}

// noteFilter says what a filter may have been meant to be.
func noteFilter(std streams, model *mlcore.Model, filter *mlcore.Filter) error {
	if filter == nil {
		return nil
	}
	prepared, err := model.Prepare(mlcore.RecommendOptions{Filter: filter})
	if err != nil {
		return hintAtColumn(model, filter, err)
	}
	unknown, err := model.UnknownValues(filter)
	if err != nil {
		return err
	}
	const shown = 3
	var texts []string
	for _, value := range unknown[:min(len(unknown), shown)] {
		texts = append(texts, value.Column+": "+show.String(value.Value))
	}
	if more := len(unknown) - shown; more > 0 {
		std.note(fmt.Sprintf("filter: no item has %s and %d other values", strings.Join(texts, ", "), more))
	} else if len(unknown) > 0 {
		std.note("filter: no item has " + strings.Join(texts, ", "))
	}
	if prepared.AllowsNothing() {
		std.note("filter: it admits no item, so all lists are empty")
	}
	return nil
}

// hintAtColumn says which column of a refused filter may have been meant to be which.
func hintAtColumn(model *mlcore.Model, filter *mlcore.Filter, err error) error {
	summary, summaryErr := model.AttributeSummary()
	var refusal *mlcore.Error
	if !errors.As(err, &refusal) || refusal.Verdict != mlcore.VerdictRequest || summaryErr != nil {
		return err
	}
	if summary == nil {
		return &hinted{err.Error(), noAttributes}
	}
	var known []string
	for _, column := range summary.Columns {
		known = append(known, column.Name)
	}
	for _, names := range [][]string{
		slices.Sorted(maps.Keys(filter.AnyOf)), slices.Sorted(maps.Keys(filter.NoneOf)), slices.Sorted(maps.Keys(filter.AtMost)),
	} {
		for _, name := range names {
			// The one that is refused; it may be the moment that is, whatever the columns are.
			if !slices.Contains(known, name) && refusal.Got == show.String(name) {
				return &hinted{err.Error(), tables.HintAtOne(name, known, "the columns")}
			}
		}
	}
	return &hinted{err.Error(), noAttributes}
}
