package mlcore

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// FormatVersion is the version of the format that this package reads.
const FormatVersion = 1

// The limits of section 11 of SPEC.md.
const (
	maxManifestBytes = 1 << 20
	maxDepth         = 16
	maxHeaderBytes   = 1024
	maxAxis          = 1<<31 - 2
	maxEntries       = 1<<53 - 1
	maxIDBytes       = 65_535
)

const (
	manifestFile   = "manifest.json"
	configFile     = "config.json"
	itemsFile      = "items.csv"
	usersFile      = "users.csv"
	similarityFile = "similarity.npz"
	historiesFile  = "histories.npz"
	popularityFile = "popularity.npz"
	normsFile      = "item_norms.npz"
	factorsFile    = "length_factors.npz"
	orderFile      = "order.npz"

	attributeColumnsFile = "attribute_columns.csv"
	attributeValuesFile  = "attribute_values.csv"
	attributesFile       = "attributes.npz"
	availabilityFile     = "availability.npz"
)

const (
	historyRuleFeature       = "history_rule"
	historyOrderFeature      = "history_order"
	attributesFeature        = "item_attributes"
	decayedPopularityFeature = "decayed_popularity"
)

// features are the required features known here, and the files a model with them may have; which of these
// it has is known once its configuration is read.
var features = []feature{
	{historyRuleFeature, []string{normsFile, factorsFile}},
	{historyOrderFeature, []string{orderFile}},
	{attributesFeature, []string{attributeColumnsFile, attributeValuesFile, attributesFile, availabilityFile}},
	{decayedPopularityFeature, nil}, // an array more in popularity.npz
}

type feature struct {
	name  string
	files []string
}

// optionalFiles are those that a model may lack; none of them may be there without being listed.
func optionalFiles() []string {
	names := []string{usersFile, historiesFile}
	for _, feature := range features {
		names = append(names, feature.files...)
	}
	return names
}

// FileNames returns the names that the files of a model may have, besides manifest.json.
func FileNames() []string {
	return append([]string{configFile, itemsFile, similarityFile, popularityFile}, optionalFiles()...)
}

// Manifest is what manifest.json says about a model.
type Manifest struct {
	ProducerName       string
	ProducerVersion    string
	Counts             Counts
	RequiredFeatures   []string
	InteractionsSHA256 string      // of the training interactions, to compare models by
	Files              []FileEntry // in the order of the manifest
}

// Counts are the sizes of a model.
type Counts struct {
	Users        int64
	Items        int64
	Interactions int64
	Pairs        int64

	// Of the catalogue; 0 in a model without one.
	AttributeColumns int64
	AttributeValues  int64
}

// FileEntry is one file: its size and its digest.
type FileEntry struct {
	Name   string
	Bytes  int64
	SHA256 string
}

// WithUsers reports whether the model holds the users of the training and their histories.
func (m *Manifest) WithUsers() bool { return m.lists(historiesFile) }

// WithHistoryRule reports whether the model says how events become a history; in any other model every
// weight is final.
func (m *Manifest) WithHistoryRule() bool {
	return slices.Contains(m.RequiredFeatures, historyRuleFeature)
}

// WithHistoryOrder reports whether the order of a history counts in the model, or in its training.
func (m *Manifest) WithHistoryOrder() bool {
	return slices.Contains(m.RequiredFeatures, historyOrderFeature)
}

// WithAttributes reports whether the model has a catalogue of its items.
func (m *Manifest) WithAttributes() bool {
	return slices.Contains(m.RequiredFeatures, attributesFeature)
}

func (m *Manifest) lists(name string) bool {
	return slices.ContainsFunc(m.Files, func(file FileEntry) bool { return file.Name == name })
}

// arraySpec is the type and length that an array must have.
type arraySpec struct {
	name   string
	dtype  string
	length int64
}

func (s arraySpec) elementBytes() int64 {
	return int64(s.dtype[2] - '0')
}

// expectedArrays returns the arrays of a file in order, or nil for a file that is no .npz.
func expectedArrays(file string, counts Counts, required ...string) []arraySpec {
	switch file {
	case similarityFile:
		return csrArrays(counts.Items, counts.Pairs)
	case historiesFile:
		return csrArrays(counts.Users, counts.Interactions)
	case popularityFile:
		specs := []arraySpec{{"counts", "<i8", counts.Items}}
		if slices.Contains(required, decayedPopularityFeature) {
			specs = append(specs, arraySpec{"decayed", "<f8", counts.Items})
		}
		return specs
	case normsFile:
		return []arraySpec{{"norms", "<f8", counts.Items}}
	case factorsFile:
		return []arraySpec{{"factors", "<f8", counts.Items}}
	case orderFile:
		return []arraySpec{{"positions", "<i4", counts.Interactions}}
	case attributesFile:
		return []arraySpec{{"codes", "<i4", counts.AttributeColumns * counts.Items}}
	case availabilityFile:
		return []arraySpec{{"from", "<i8", counts.Items}, {"until", "<i8", counts.Items}}
	}
	return nil
}

// arrays returns the arrays of a file of this model, likewise.
func (m *Manifest) arrays(file string) []arraySpec {
	return expectedArrays(file, m.Counts, m.RequiredFeatures...)
}

func csrArrays(rows, entries int64) []arraySpec {
	return []arraySpec{
		{"indptr", "<i8", rows + 1}, {"indices", "<i4", entries}, {"data", "<f4", entries},
	}
}

// parseManifest reads manifest.json; place is its path, for messages.
func parseManifest(data []byte, place string) (*Manifest, error) {
	r := manifestReader{place: place}
	if !utf8.Valid(data) {
		return nil, r.refuse("", "UTF-8", "bytes that are none")
	}
	root, err := jsontext.Parse(string(data), maxDepth)
	if err != nil {
		return nil, r.refuse("", "a JSON object", err.Error())
	}
	// Before anything else: a newer format may have changed all the rest.
	required, err := r.checkVersion(&root)
	if err != nil {
		return nil, err
	}
	counts := r.object(&root, "counts")
	producer := r.object(&root, "producer")
	training := r.object(&root, "training")
	manifest := &Manifest{
		ProducerName:    r.text(producer, "name"),
		ProducerVersion: r.text(producer, "version"),
		Counts: Counts{
			Users:        r.integer(counts, "users", maxAxis),
			Items:        r.integer(counts, "items", maxAxis),
			Interactions: r.integer(counts, "interactions", maxEntries),
			Pairs:        r.integer(counts, "pairs", maxEntries),
		},
		RequiredFeatures:   required,
		InteractionsSHA256: r.sha256(training, "interactions_sha256"),
	}
	if manifest.WithAttributes() {
		r.attributeCounts(counts, &manifest.Counts)
	}
	configSHA256 := r.sha256(training, "config_sha256")
	manifest.Files = r.files(r.object(&root, "files"), manifest)
	if r.err != nil {
		return nil, r.err
	}
	for _, file := range manifest.Files {
		if file.Name == configFile && file.SHA256 != configSHA256 {
			return nil, r.refuse("config_sha256", "the sha256 of config.json", show.String(configSHA256))
		}
	}
	return manifest, nil
}

// attributeCounts reads the sizes of a catalogue: ATT-2.
func (r *manifestReader) attributeCounts(object *jsontext.Value, counts *Counts) {
	counts.AttributeColumns = r.integer(object, "attribute_columns", maxAxis)
	counts.AttributeValues = r.integer(object, "attribute_values", maxAxis)
	if r.err == nil && counts.AttributeColumns > maxEntries/max(counts.Items, 1) {
		r.keep(r.refuse("attribute_columns", fmt.Sprintf("at most %d codes", int64(maxEntries)),
			fmt.Sprintf("%d columns of %d items", counts.AttributeColumns, counts.Items)))
	}
}

// manifestReader takes values out of JSON objects and keeps the first fault.
type manifestReader struct {
	place string
	err   error
}

func (r *manifestReader) refuse(name, expected, got string) error {
	return refuse(VerdictManifest, r.place, name, expected, got)
}

// checkVersion returns the required features, all of which are known.
func (r *manifestReader) checkVersion(root *jsontext.Value) ([]string, error) {
	if root.Kind != jsontext.Object {
		return nil, r.refuse("", "a JSON object", root.Show())
	}
	if name := root.Member("format"); name == nil || name.Kind != jsontext.String || name.Text != "mlcore-model" {
		return nil, r.refuse("format", "'mlcore-model'", name.Show())
	}
	version := r.integer(root, "format_version", maxEntries)
	if r.err != nil {
		return nil, r.err
	}
	if version != FormatVersion {
		return nil, refuse(VerdictVersion, r.place, "format_version",
			fmt.Sprint(FormatVersion), fmt.Sprint(version))
	}
	array := r.member(root, "required_features", jsontext.Array)
	if r.err != nil {
		return nil, r.err
	}
	var required []string
	for index := range array.Items {
		name := &array.Items[index]
		if name.Kind != jsontext.String {
			return nil, r.refuse("required_features", "an array of strings", name.Show())
		}
		required = append(required, name.Text)
	}
	var known []string
	for _, feature := range features {
		known = append(known, feature.name)
	}
	for _, name := range required {
		if !slices.Contains(known, name) {
			return nil, refuse(VerdictVersion, r.place, "required_features",
				"none but "+strings.Join(known, ", ")+", which this version knows", array.Show())
		}
	}
	return required, nil
}

// member returns a value of the given kind, and a null after a fault so that reading can go on.
func (r *manifestReader) member(object *jsontext.Value, key string, kind jsontext.Kind) *jsontext.Value {
	kinds := map[jsontext.Kind]string{
		jsontext.Object: "an object", jsontext.Array: "an array",
		jsontext.String: "a string", jsontext.Number: "an integer",
	}
	value := object.Member(key)
	if value == nil || value.Kind != kind {
		r.keep(r.refuse(key, kinds[kind], value.Show()))
		return &jsontext.Value{}
	}
	return value
}

func (r *manifestReader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *manifestReader) object(object *jsontext.Value, key string) *jsontext.Value {
	return r.member(object, key, jsontext.Object)
}

func (r *manifestReader) text(object *jsontext.Value, key string) string {
	return r.member(object, key, jsontext.String).Text
}

func (r *manifestReader) integer(object *jsontext.Value, key string, maximum int64) int64 {
	value := r.member(object, key, jsontext.Number)
	result, isInteger := value.Integer()
	if value.Kind == jsontext.Number && (!isInteger || result > maximum) {
		r.keep(r.refuse(key, fmt.Sprintf("an integer from 0 to %d", maximum), value.Show()))
	}
	return result
}

func (r *manifestReader) sha256(object *jsontext.Value, key string) string {
	value := r.member(object, key, jsontext.String)
	if value.Kind == jsontext.String &&
		(len(value.Text) != 64 || strings.Trim(value.Text, "0123456789abcdef") != "") {
		r.keep(r.refuse(key, "64 hexadecimal digits", value.Show()))
	}
	return value.Text
}

func (r *manifestReader) files(object *jsontext.Value, manifest *Manifest) []FileEntry {
	if r.err != nil {
		return nil
	}
	always := configFile + "," + itemsFile + "," + popularityFile + "," + similarityFile
	withUsers := configFile + "," + historiesFile + "," + itemsFile + "," + popularityFile + "," +
		similarityFile + "," + usersFile
	names := append([]string(nil), object.Keys...)
	sort.Strings(names)
	further := ""
	for _, feature := range features {
		if slices.Contains(manifest.RequiredFeatures, feature.name) {
			further = ", and those of the required features"
			names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(feature.files, name) })
		}
	}
	if manifest.WithAttributes() {
		for _, name := range []string{attributeColumnsFile, attributeValuesFile, attributesFile} {
			if !slices.Contains(object.Keys, name) {
				r.keep(r.refuse("files", name+", which belongs to item_attributes", "none"))
			}
		}
	}
	if joined := strings.Join(names, ","); joined != always && joined != withUsers {
		r.keep(r.refuse("files", "config.json, items.csv, similarity.npz, popularity.npz, and both "+
			"or none of users.csv and histories.npz"+further, show.Cut(strings.Join(names, ", "), 200)))
		return nil
	}
	if manifest.WithHistoryOrder() {
		r.checkOrder(object.Keys, manifest)
	}
	var entries []FileEntry
	for _, name := range object.Keys {
		entry := r.object(object, name)
		r.arrays(entry, name, manifest.arrays(name))
		entries = append(entries, FileEntry{
			Name: name, Bytes: r.integer(entry, "bytes", maxEntries), SHA256: r.sha256(entry, "sha256"),
		})
	}
	return entries
}

// checkOrder checks ORD-1 of a model with the feature.
func (r *manifestReader) checkOrder(names []string, manifest *Manifest) {
	if !manifest.WithHistoryRule() {
		r.keep(r.refuse("required_features", historyRuleFeature+" beside "+historyOrderFeature, "none"))
	}
	if slices.Contains(names, orderFile) != slices.Contains(names, historiesFile) {
		r.keep(r.refuse("files", "both or none of order.npz and histories.npz", "one of them"))
	}
}

func (r *manifestReader) arrays(entry *jsontext.Value, file string, specs []arraySpec) {
	if specs == nil || r.err != nil {
		return
	}
	arrays := r.object(entry, "arrays")
	asExpected := len(arrays.Keys) == len(specs)
	for _, spec := range specs {
		array := arrays.Member(spec.name)
		dtype, shape := array.Member("dtype"), array.Member("shape")
		if dtype == nil || dtype.Kind != jsontext.String || dtype.Text != spec.dtype ||
			shape == nil || shape.Kind != jsontext.Array || len(shape.Items) != 1 {
			asExpected = false
			break
		}
		length, isInteger := shape.Items[0].Integer()
		asExpected = asExpected && isInteger && length == spec.length
	}
	if !asExpected {
		r.keep(r.refuse(file+": arrays", describeArrays(specs)+" by the counts", arrays.ShowUpTo(200)))
	}
}

func describeArrays(specs []arraySpec) string {
	var parts []string
	for _, spec := range specs {
		parts = append(parts, fmt.Sprintf(`"%s": {"dtype": "%s", "shape": [%d]}`,
			spec.name, spec.dtype, spec.length))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
