package main

import (
	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/show"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

func runSimilar(std streams, args []string) int {
	flags := newFlags(std, "similar", "--model-dir DIR --item ID [--top-n N] [--filter JSON]")
	modelDir := flags.String("model-dir", "", "the model `directory`")
	item := flags.String("item", "", "the `id` of an item")
	topN := flags.Int64("top-n", 10, "longest list")
	var catalogue catalogueArgs
	catalogue.declare(flags)
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return code
	}
	if !isSet(flags, "model-dir") || !isSet(flags, "item") {
		return usageError(flags, "--model-dir and --item are needed")
	}
	text, err := similarItems(std, &catalogue, *modelDir, *item, *topN)
	if isTerminal(std.out) {
		text = []byte(show.JSON(string(text)))
	}
	if err == nil {
		err = writeAll(std.out, text)
	}
	if err != nil {
		return report(std, err)
	}
	return 0
}

func similarItems(std streams, catalogue *catalogueArgs, modelDir, itemID string, topN int64) ([]byte, error) {
	if err := checkTopN(topN); err != nil {
		return nil, err
	}
	filter, err := catalogue.parseFilter()
	if err != nil {
		return nil, err
	}
	model, err := catalogue.open(modelDir, &tables.Input{Path: catalogue.attributes, Stdin: std.in, Note: std.note})
	if err != nil {
		return nil, err
	}
	defer model.Close()
	if err := noteFilter(std, model, filter); err != nil {
		return nil, err
	}
	items, err := model.SimilarWith(itemID, int(topN), mlcore.RecommendOptions{Filter: filter})
	if mlcore.VerdictOf(err) == mlcore.VerdictUnknownItem {
		known, idsErr := allIDs(model.Manifest().Counts.Items, model.ItemID)
		if idsErr != nil {
			return nil, idsErr
		}
		return nil, &hinted{err.Error(), tables.HintAtOne(itemID, known, "the model")}
	}
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, item := range items {
		text = append(text, `{"item_id": `...)
		text = mlcore.AppendString(text, item.ID)
		text = append(text, `, "score": `...)
		text = mlcore.AppendNumber(text, item.Score)
		text = append(text, "}\n"...)
	}
	return text, nil
}
