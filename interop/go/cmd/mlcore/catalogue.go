package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/filters"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// catalogueArgs are the flags of rules by the catalogue.
type catalogueArgs struct {
	attributes string
	filter     string
}

func (a *catalogueArgs) declare(flags *flag.FlagSet) {
	flags.StringVar(&a.attributes, "attributes", "", attributesUsage)
	flags.StringVar(&a.filter, "filter", "", "what lists may hold by the catalogue: JSON such as "+
		`{"any_of": {"brand": ["a"]}, "none_of": {}, "available_at": 0, "at_most": {"series": 2}}, or a`+" `file` of it")
}

const attributesUsage = "a `file` with a column item_id and others, in place of the catalogue that the model has"

const emptyFilter = "filter: no item of the model passes it, so lists are empty"

// filterPath returns the file of --filter, or nothing.
func (a *catalogueArgs) filterPath() string {
	if strings.HasPrefix(strings.TrimSpace(a.filter), "{") {
		return ""
	}
	return a.filter
}

// parseFilter returns the filter, or nil if there is none.
func (a *catalogueArgs) parseFilter() (*mlcore.Filter, error) {
	if a.filter == "" {
		return nil, nil
	}
	text := a.filter
	if path := a.filterPath(); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, tables.OSError(err, path, "a readable file")
		}
		text = string(data)
	}
	filter, fault := filters.Parse(text)
	if fault != nil {
		return nil, &hinted{fault.Error(), fault.Hint}
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
	unknown, err := model.CountUnknownItems(attributes.Items)
	if err != nil {
		model.Close()
		return nil, err
	}
	if unknown > 0 {
		input.Note(fmt.Sprintf("%s: %d of %d items unknown", input.Name(), unknown, len(attributes.Items)))
	}
	return model, nil
}
