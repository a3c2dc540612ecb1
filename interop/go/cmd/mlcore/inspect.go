package main

import (
	"path/filepath"
	"strconv"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

func runInspect(std streams, args []string) int {
	flags := newFlags(std, "inspect", "--model-dir DIR [--verify]")
	modelDir := flags.String("model-dir", "", "the model `directory`")
	verify := flags.Bool("verify", false, "check everything, not only sizes")
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return code
	}
	if !isSet(flags, "model-dir") {
		return usageError(flags, "--model-dir is needed")
	}
	document, err := describe(*modelDir, *verify)
	if err == nil {
		err = writeAll(std.out, []byte(show.JSON(string(jsontext.AppendDocument(nil, &document)))))
	}
	if err != nil {
		return report(std, err)
	}
	return 0
}

func describe(modelDir string, verify bool) (jsontext.Value, error) {
	model, err := mlcore.Open(modelDir, mlcore.Options{})
	if err != nil {
		return jsontext.Value{}, err
	}
	defer model.Close()
	config, err := readConfig(model)
	if err != nil {
		return jsontext.Value{}, err
	}
	if verify {
		if err := model.Verify(); err != nil {
			return jsontext.Value{}, err
		}
	}
	longest, err := model.LongestRow()
	if err != nil {
		return jsontext.Value{}, err
	}
	attributes, err := model.AttributeSummary()
	if err != nil {
		return jsontext.Value{}, err
	}
	manifest := model.Manifest()
	var sizes []field
	for _, file := range manifest.Files {
		sizes = append(sizes, field{file.Name, integer(file.Bytes)})
	}
	fields := []field{
		{"format", text("mlcore-model")},
		{"format_version", integer(mlcore.FormatVersion)},
		{"producer", object(
			field{"name", text(manifest.ProducerName)}, field{"version", text(manifest.ProducerVersion)},
		)},
		{"verified", boolean(verify)},
		{"items", integer(manifest.Counts.Items)},
		{"users", integer(manifest.Counts.Users)},
		{"with_users", boolean(manifest.WithUsers())},
		{"interactions", integer(manifest.Counts.Interactions)},
		{"pairs", integer(manifest.Counts.Pairs)},
		{"longest_row", integer(longest)},
		{"interactions_sha256", text(manifest.InteractionsSHA256)},
		{"config", config},
	}
	if attributes != nil {
		fields = append(fields, field{"attributes", describeAttributes(attributes)})
	}
	return object(append(fields, field{"bytes", object(sizes...)})...), nil
}

func describeAttributes(summary *mlcore.AttributeSummary) jsontext.Value {
	var columns []field
	for _, column := range summary.Columns {
		columns = append(columns, field{column.Name, object(
			field{"values", integer(int64(column.Values))}, field{"items", integer(int64(column.Items))},
		)})
	}
	if !summary.WithAvailability {
		return object(field{"columns", object(columns...)})
	}
	return object(field{"columns", object(columns...)}, field{"availability", object(
		field{"from", integer(int64(summary.From))}, field{"until", integer(int64(summary.Until))},
	)})
}

// readConfig parses config.json, which nothing else in this program needs.
func readConfig(model *mlcore.Model) (jsontext.Value, error) {
	data, err := model.Config()
	if err != nil {
		return jsontext.Value{}, err
	}
	config, err := jsontext.Parse(string(data), 16)
	got := ""
	if err != nil {
		got = err.Error()
	} else if config.Kind != jsontext.Object {
		got = config.Show()
	}
	if got != "" {
		return config, &mlcore.Error{
			Verdict: mlcore.VerdictManifest, Stage: mlcore.StageOpen,
			Place: filepath.Join(model.Dir(), "config.json"), Expected: "a JSON object", Got: got,
		}
	}
	return config, nil
}

type field struct {
	key   string
	value jsontext.Value
}

func object(fields ...field) jsontext.Value {
	result := jsontext.Value{Kind: jsontext.Object}
	for _, field := range fields {
		result.Keys = append(result.Keys, field.key)
		result.Items = append(result.Items, field.value)
	}
	return result
}

func text(value string) jsontext.Value {
	return jsontext.Value{Kind: jsontext.String, Text: value}
}

func integer(value int64) jsontext.Value {
	return jsontext.Value{Kind: jsontext.Number, Text: strconv.FormatInt(value, 10)}
}

func boolean(value bool) jsontext.Value {
	return jsontext.Value{Kind: jsontext.Bool, Bool: value}
}
