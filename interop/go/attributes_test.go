package mlcore_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

func TestASummaryCountsWhatIsThere(t *testing.T) {
	model := openModel(t, modeltest.Catalogued().Write(t, t.TempDir()), mlcore.Options{})
	expected := &mlcore.AttributeSummary{
		Columns:          []mlcore.ColumnSummary{{Name: "brand", Values: 2, Items: 4}, {Name: "color", Values: 2, Items: 4}},
		WithAvailability: true, From: 3, Until: 2,
	}
	if found, err := model.AttributeSummary(); err != nil || !reflect.DeepEqual(found, expected) {
		t.Errorf("got %+v, %v", found, err)
	}
	plain := openModel(t, tinyModel().Write(t, t.TempDir()), mlcore.Options{})
	if found, err := plain.AttributeSummary(); err != nil || found != nil {
		t.Errorf("got %+v, %v", found, err)
	}
}

type lists = map[string][]string

func idsOf(items []mlcore.Item) string {
	var ids []string
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	return strings.Join(ids, " ")
}

func TestFiltersAdmitWhatTheHandFinds(t *testing.T) {
	model := openModel(t, modeltest.Catalogued().Write(t, t.TempDir()), mlcore.Options{})
	at := mlcore.UnixMicro
	for _, c := range []struct {
		filter   mlcore.Filter
		n        int
		expected string
	}{
		{mlcore.Filter{}, 9, "a b c d e"},
		{mlcore.Filter{AnyOf: lists{}, NoneOf: lists{}, AtMost: map[string]int{}}, 9, "a b c d e"},
		{mlcore.Filter{AnyOf: lists{"brand": {"x"}}}, 9, "a b e"},
		{mlcore.Filter{AnyOf: lists{"brand": {"x"}}}, 2, "a b"}, // as long as there are items
		{mlcore.Filter{AnyOf: lists{"brand": {"y", "x", "x", "none such"}}}, 9, "a b d e"},
		{mlcore.Filter{AnyOf: lists{"brand": {"red"}}}, 9, ""}, // a value of another column
		{mlcore.Filter{AnyOf: lists{"brand": {"none such"}}}, 9, ""},
		{mlcore.Filter{AnyOf: lists{"brand": {}}}, 9, ""},
		{mlcore.Filter{AnyOf: lists{"brand": {""}}}, 9, ""}, // none is no value
		{mlcore.Filter{NoneOf: lists{"brand": {"x"}}}, 9, "c d"},
		{mlcore.Filter{NoneOf: lists{"brand": {"", "none such"}}}, 9, "a b c d e"},
		{mlcore.Filter{NoneOf: lists{"brand": {}}}, 9, "a b c d e"},
		{mlcore.Filter{AnyOf: lists{"color": {"red"}}, NoneOf: lists{"brand": {"x"}}}, 9, "c"},
		{mlcore.Filter{AnyOf: lists{"brand": {"x"}}, NoneOf: lists{"brand": {"x"}}}, 9, ""},
		{mlcore.Filter{AnyOf: lists{"brand": {"x"}, "color": {"red"}}}, 9, "a e"},
		{mlcore.Filter{AvailableAt: at(9)}, 9, "a c"},
		{mlcore.Filter{AvailableAt: at(10)}, 9, "a b d"}, // from 10 on, but until 10 no more
		{mlcore.Filter{AvailableAt: at(20)}, 9, "a b e"},
		{mlcore.Filter{AvailableAt: at(20), AnyOf: lists{"color": {"red"}}}, 9, "a e"},
		{mlcore.Filter{AtMost: map[string]int{"brand": 1}}, 9, "a c d"}, // no value is no group
		{mlcore.Filter{AtMost: map[string]int{"brand": 2}}, 9, "a b c d"},
		{mlcore.Filter{AtMost: map[string]int{"brand": 3}}, 9, "a b c d e"},
		{mlcore.Filter{AtMost: map[string]int{"color": 1}}, 9, "a b d"},
		{mlcore.Filter{AtMost: map[string]int{"brand": 2, "color": 1}}, 9, "a b d"},
		{mlcore.Filter{AtMost: map[string]int{"brand": 1}}, 2, "a c"}, // c moves up
		{mlcore.Filter{AtMost: map[string]int{"brand": 1}, NoneOf: lists{"color": {"red"}}}, 9, "b d"},
	} {
		options := mlcore.RecommendOptions{Filter: &c.filter}
		for way, ask := range map[string]func() ([]mlcore.Item, error){
			"user":    func() ([]mlcore.Item, error) { return model.Recommend("u", c.n, options) },
			"similar": func() ([]mlcore.Item, error) { return model.SimilarWith("h", c.n, options) },
		} {
			if items, err := ask(); err != nil || idsOf(items) != c.expected {
				t.Errorf("%+v, %s: expected %s, got %s, %v", c.filter, way, c.expected, idsOf(items), err)
			}
		}
	}
}

func TestFilledItemsCountForCaps(t *testing.T) {
	written := modeltest.Catalogued()
	// Users of b, d and e; the history of a speaks for c alone, and a is of brand x.
	written.Similarity[0] = []modeltest.Pair{{Index: 4, Value: 1}}
	written.Users = []string{"t", "u", "v", "w"}
	written.Histories = [][]modeltest.Pair{
		{{Index: 0, Value: 1}}, {{Index: 1, Value: 1}, {Index: 3, Value: 1}}, {{Index: 1, Value: 1}}, {{Index: 2, Value: 1}},
	}
	model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	for most, expected := range map[int]string{1: "e c d", 2: "e b c d"} { // b, the most popular, is of the brand of e
		options := mlcore.RecommendOptions{Fill: true, Filter: &mlcore.Filter{AtMost: map[string]int{"brand": most}}}
		if items, err := model.Recommend("t", 9, options); err != nil || idsOf(items) != expected {
			t.Errorf("at most %d: expected %s, got %s, %v", most, expected, idsOf(items), err)
		}
	}
}

func TestCapsReachTheLastCandidate(t *testing.T) {
	for _, numItems := range []int{30, 5000} { // scores in an array, and in a table
		written := &modeltest.Model{Similarity: make([][]modeltest.Pair, numItems)}
		codes := make([]int32, numItems)
		for item := range numItems {
			written.Items = append(written.Items, fmt.Sprintf("%04d", item))
			if 0 < item && item < 30 {
				written.Similarity[0] = append(written.Similarity[0], modeltest.Pair{Index: int32(item), Value: float32(30 - item)})
			}
		}
		codes[29] = 1 // of another brand than all better ones
		written.Attributes = &modeltest.Attributes{Columns: []string{"brand"}, Values: []string{"x", "y"}, Codes: [][]int32{codes}}
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		options := mlcore.RecommendOptions{Filter: &mlcore.Filter{AtMost: map[string]int{"brand": 1}}}
		if items, err := model.SimilarWith("0000", 2, options); err != nil || idsOf(items) != "0001 0029" {
			t.Errorf("%d items: got %s, %v", numItems, idsOf(items), err)
		}
	}
}

// TestFiltersAreListsToInclude is what the text promises, bit for bit.
func TestFiltersAreListsToInclude(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 1))
	for range 10 {
		written := modeltest.Random(random, 5, 1+random.IntN(6000), 60)
		written.Attributes = modeltest.RandomAttributes(random, len(written.Items))
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		for range 10 {
			filter := randomFilter(random, written.Attributes)
			filter.AtMost = nil
			include := []string{}
			for item, id := range written.Items {
				if isAdmitted(written.Attributes, filter, item) {
					include = append(include, id)
				}
			}
			options := mlcore.RecommendOptions{Fill: random.IntN(2) == 0, Explain: true, Exclude: sample(random, written.Items, 0.1)}
			user, n := written.Users[random.IntN(5)], 1+random.IntN(100)
			options.Include = include
			expected, err := model.Recommend(user, n, options)
			if err != nil {
				t.Fatal(err)
			}
			options.Include, options.Filter = nil, filter
			found, err := model.Recommend(user, n, options)
			if err != nil {
				t.Fatal(err)
			}
			checkItems(t, fmt.Sprintf("%+v", filter), expected, found)
		}
	}
}

func TestACatalogueBesideTheModelIsLikeItsOwn(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 2))
	for range 30 {
		written := modeltest.Random(random, 3, 1+random.IntN(200), 20)
		own := modeltest.RandomAttributes(random, len(written.Items))
		written.Attributes = own
		with := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		written.Attributes = nil
		if random.IntN(2) == 0 { // one that it replaces
			written.Attributes = modeltest.RandomAttributes(random, len(written.Items))
		}
		beside := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{Attributes: shuffled(random, written.Items, own)})
		if err := beside.Verify(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			options := mlcore.RecommendOptions{Filter: randomFilter(random, own), Fill: true}
			user := written.Users[random.IntN(3)]
			expected, err := with.Recommend(user, 10, options)
			if err != nil {
				t.Fatal(err)
			}
			found, err := beside.Recommend(user, 10, options)
			if err != nil {
				t.Fatal(err)
			}
			checkItems(t, fmt.Sprintf("%+v", options.Filter), expected, found)
		}
		expected, err := with.AttributeSummary()
		found, besideErr := beside.AttributeSummary()
		if err != nil || besideErr != nil || !reflect.DeepEqual(expected, found) || len(found.Columns) != len(own.Columns) {
			t.Errorf("expected %v, %v, got %v, %v", expected, err, found, besideErr)
		}
	}
}

// shuffled returns a catalogue as rows in any order, some of unknown items; items without values may be missing.
func shuffled(random *rand.Rand, items []string, own *modeltest.Attributes) *mlcore.Attributes {
	given := &mlcore.Attributes{}
	for _, column := range own.Columns {
		given.Columns = append(given.Columns, mlcore.AttributeColumn{Name: column})
	}
	random.Shuffle(len(given.Columns), func(a, b int) { given.Columns[a], given.Columns[b] = given.Columns[b], given.Columns[a] })
	for _, item := range random.Perm(len(items) + 2) {
		id, known := "unknown "+fmt.Sprint(item), item < len(items)
		if known {
			id = items[item]
		}
		given.Items = append(given.Items, id)
		for position := range given.Columns {
			column, value := &given.Columns[position], "of no item"
			if known {
				value = own.Value(slices.Index(own.Columns, column.Name), item)
			}
			column.Values = append(column.Values, value)
		}
		if own.From == nil {
			continue
		}
		var from, until mlcore.Timestamp
		if known && own.From[item] != modeltest.NoTime {
			from = mlcore.UnixMicro(own.From[item])
		}
		if known && own.Until[item] != modeltest.NoTime {
			until = mlcore.UnixMicro(own.Until[item])
		}
		given.From, given.Until = append(given.From, from), append(given.Until, until)
	}
	return given
}

func TestFaultyCataloguesBesideAModelAreRefused(t *testing.T) {
	dir := tinyModel().Write(t, t.TempDir())
	column := func(name string, values ...string) mlcore.AttributeColumn {
		return mlcore.AttributeColumn{Name: name, Values: values}
	}
	for what, given := range map[string]mlcore.Attributes{
		"an item twice":        {Items: []string{"a", "b", "a"}},
		"a column twice":       {Columns: []mlcore.AttributeColumn{column("x"), column("x")}},
		"a column of no name":  {Columns: []mlcore.AttributeColumn{column("")}},
		"a line break":         {Items: []string{"a"}, Columns: []mlcore.AttributeColumn{column("x", "1\n1,2")}},
		"bytes that are not":   {Items: []string{"a"}, Columns: []mlcore.AttributeColumn{column("x", "\xff")}},
		"a short column":       {Items: []string{"a"}, Columns: []mlcore.AttributeColumn{column("x")}},
		"a long column":        {Columns: []mlcore.AttributeColumn{column("x", "1")}},
		"times of other items": {Items: []string{"a"}, Until: []mlcore.Timestamp{}},
	} {
		model, err := mlcore.Open(dir, mlcore.Options{Attributes: &given})
		if verdict := mlcore.VerdictOf(err); verdict != mlcore.VerdictRequest && verdict != mlcore.VerdictIDMap {
			t.Errorf("%s: got %v", what, err)
		}
		if err == nil {
			model.Close()
		}
	}
}

func TestFiltersThatTheModelCannotTakeHaveTheirMessage(t *testing.T) {
	with := openModel(t, modeltest.Catalogued().Write(t, t.TempDir()), mlcore.Options{})
	timeless, plain := modeltest.Catalogued(), modeltest.Catalogued()
	timeless.Attributes.From, timeless.Attributes.Until = nil, nil
	timeless.Attributes.Columns, timeless.Attributes.Codes = nil, nil
	plain.Attributes = nil
	without := openModel(t, timeless.Write(t, t.TempDir()), mlcore.Options{})
	old := openModel(t, plain.Write(t, t.TempDir()), mlcore.Options{})
	now := mlcore.UnixMicro(0)
	for _, c := range []struct {
		model    *mlcore.Model
		filter   mlcore.Filter
		expected string
	}{
		{with, mlcore.Filter{AnyOf: lists{"Brand": {}}}, "filter: any_of: expected a column of the model, 'brand', 'color', got 'Brand'"},
		{with, mlcore.Filter{NoneOf: lists{"brand": {"x"}, "": {"x"}}}, "filter: none_of: expected a column of the model, 'brand', 'color', got ''"},
		{with, mlcore.Filter{AtMost: map[string]int{"available_from": 1}},
			"filter: at_most: expected a column of the model, 'brand', 'color', got 'available_from'"},
		{with, mlcore.Filter{AtMost: map[string]int{"brand": 0}}, "filter: at_most: brand: expected an integer from 1 to 2147483647, got 0"},
		{with, mlcore.Filter{AtMost: map[string]int{"brand": -1}}, "filter: at_most: brand: expected an integer from 1 to 2147483647, got -1"},
		{with, mlcore.Filter{AvailableAt: mlcore.UnixMicro(253_402_300_800_000_000)},
			"filter: available_at: expected a time of the years 1 to 9999, got 253402300800000000 microseconds after 1970"},
		{without, mlcore.Filter{AnyOf: lists{"brand": {}}}, "filter: any_of: expected a column of the model, none, got 'brand'"},
		{without, mlcore.Filter{AvailableAt: now},
			"filter: available_at: expected a model with available_from or available_until of its items, got one without"},
		{old, mlcore.Filter{AvailableAt: now},
			"filter: available_at: expected a model with available_from or available_until of its items, got one without"},
		{old, mlcore.Filter{AtMost: map[string]int{"x": 1}}, "filter: at_most: expected a model with attributes, got one without"},
	} {
		_, err := c.model.Recommend("u", 3, mlcore.RecommendOptions{Filter: &c.filter})
		_, prepareErr := c.model.Prepare(mlcore.RecommendOptions{Filter: &c.filter})
		for _, err := range []error{err, prepareErr} {
			if fmt.Sprint(err) != c.expected || mlcore.VerdictOf(err) != mlcore.VerdictRequest {
				t.Errorf("expected %s, got %v", c.expected, err)
			}
		}
	}
	// One without conditions changes nothing, on any model.
	for _, filter := range []mlcore.Filter{{}, {AnyOf: lists{}, NoneOf: lists{}, AtMost: map[string]int{}}} {
		if items, err := old.Recommend("u", 3, mlcore.RecommendOptions{Filter: &filter}); err != nil || idsOf(items) != "a b c" {
			t.Errorf("got %v, %v", items, err)
		}
	}
}

func TestFilesOfACatalogueAreChecked(t *testing.T) {
	files, plain := modeltest.Catalogued().Files(), tinyModel().Files()
	inManifest := func(old, replacement string) map[string][]byte {
		if !bytes.Contains(files["manifest.json"], []byte(old)) {
			t.Fatalf("%s is not in the manifest", old)
		}
		return with(files, "manifest.json", bytes.Replace(files["manifest.json"], []byte(old), []byte(replacement), 1))
	}
	without := func(name string) map[string][]byte {
		changed := maps.Clone(files)
		delete(changed, name)
		m := modeltest.Catalogued()
		manifest := modeltest.Manifest(changed, len(m.Histories), len(m.Items), 1, 5)
		manifest = bytes.Replace(manifest, []byte(`"required_features": []`), []byte(`"required_features": ["item_attributes"]`), 1)
		manifest = bytes.Replace(manifest, []byte(`"pairs": 5}`), []byte(`"pairs": 5, "attribute_columns": 2, "attribute_values": 4}`), 1)
		return with(changed, "manifest.json", manifest)
	}
	for what, c := range map[string]struct {
		files map[string][]byte
		open  mlcore.Verdict // or, if it is empty, that of verify
		later mlcore.Verdict
	}{
		"none is wrong":                      {files, "", ""},
		"no times":                           {without("availability.npz"), "", ""},
		"no columns":                         {without("attribute_columns.csv"), mlcore.VerdictManifest, ""},
		"no values":                          {without("attribute_values.csv"), mlcore.VerdictManifest, ""},
		"no codes":                           {without("attributes.npz"), mlcore.VerdictManifest, ""},
		"no feature":                         {inManifest(`["item_attributes"]`, "[]"), mlcore.VerdictManifest, ""},
		"an unlisted file without a feature": {with(plain, "attribute_values.csv", files["attribute_values.csv"]), mlcore.VerdictManifest, ""},
		"codes of other columns":             {inManifest(`"attribute_columns": 2`, `"attribute_columns": 1`), mlcore.VerdictManifest, ""},
		"no number of columns":               {inManifest(`"attribute_columns": 2, `, ""), mlcore.VerdictManifest, ""},
		"a number of values that is none":    {inManifest(`"attribute_values": 4`, `"attribute_values": -4`), mlcore.VerdictManifest, ""},
		"too many codes":                     {inManifest(`"attribute_columns": 2`, `"attribute_columns": 2147483646`), mlcore.VerdictManifest, ""},
		"other values than there are":        {inManifest(`"attribute_values": 4`, `"attribute_values": 5`), "", mlcore.VerdictIDMap},
	} {
		dir := t.TempDir()
		for name, data := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		model, err := mlcore.Open(dir, mlcore.Options{})
		if mlcore.VerdictOf(err) != c.open || (err == nil) != (c.open == "") {
			t.Errorf("%s: got %v", what, err)
		}
		if err == nil {
			if err := model.Verify(); mlcore.VerdictOf(err) != c.later {
				t.Errorf("%s: verify gave %v", what, err)
			}
			model.Close()
		}
	}
}

func TestFaultyValuesOfACatalogueAreCSR(t *testing.T) {
	fill := func(m *modeltest.Model) mlcore.RecommendOptions {
		m.Similarity[5] = nil // so that a is filled in
		m.Histories = append(m.Histories, []modeltest.Pair{{Index: 0, Value: 1}})
		m.Users = []string{"u", "v"}
		return mlcore.RecommendOptions{Fill: true, Filter: &mlcore.Filter{AnyOf: lists{"brand": {"x"}}}}
	}
	conditions := mlcore.RecommendOptions{Filter: &mlcore.Filter{NoneOf: lists{"brand": {"y"}}}}
	caps := mlcore.RecommendOptions{Filter: &mlcore.Filter{AtMost: map[string]int{"brand": 2}}}
	moment := mlcore.RecommendOptions{Filter: &mlcore.Filter{AvailableAt: mlcore.UnixMicro(15)}}
	for what, c := range map[string]struct {
		damage  func(m *modeltest.Model) mlcore.RecommendOptions
		isSound bool
	}{
		"a code of no value": {func(m *modeltest.Model) mlcore.RecommendOptions { m.Attributes.Codes[0][0] = 4; return conditions }, false},
		"a code below -1":    {func(m *modeltest.Model) mlcore.RecommendOptions { m.Attributes.Codes[0][0] = -2; return conditions }, false},
		"the least code":     {func(m *modeltest.Model) mlcore.RecommendOptions { m.Attributes.Codes[0][0] = -1 << 31; return caps }, false},
		"the greatest code":  {func(m *modeltest.Model) mlcore.RecommendOptions { m.Attributes.Codes[0][0] = 1<<31 - 1; return caps }, false},
		"a code of a filled item": {func(m *modeltest.Model) mlcore.RecommendOptions {
			m.Attributes.Codes[0][0] = 4
			return fill(m)
		}, false},
		"a time before year 1": {func(m *modeltest.Model) mlcore.RecommendOptions {
			m.Attributes.From[0] = -62_135_596_800_000_001
			return moment
		}, false},
		"a time after year 9999": {func(m *modeltest.Model) mlcore.RecommendOptions {
			m.Attributes.Until[0] = 253_402_300_800_000_000
			return moment
		}, false},
		"the first and the last time": {func(m *modeltest.Model) mlcore.RecommendOptions {
			m.Attributes.From[0], m.Attributes.Until[0] = -62_135_596_800_000_000, 253_402_300_799_999_999
			return moment
		}, true},
	} {
		written := modeltest.Catalogued()
		options := c.damage(written)
		model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
		_, err := model.Recommend("u", 9, options)
		for stage, err := range map[mlcore.Stage]error{mlcore.StageVerify: model.Verify(), mlcore.StagePredict: err} {
			if c.isSound && err != nil {
				t.Errorf("%s, %s: got %v", what, stage, err)
			}
			var refusal *mlcore.Error
			if !c.isSound && (!errors.As(err, &refusal) || refusal.Verdict != mlcore.VerdictCSR || refusal.Stage != stage) {
				t.Errorf("%s, %s: got %v", what, stage, err)
			}
		}
		// What is not asked for is not looked at, and nothing is left behind.
		if _, err := model.Recommend("u", 9, mlcore.RecommendOptions{}); err != nil {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestFiltersOfManyRequestsAtOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 3))
	written := modeltest.Random(random, 4, 400, 60)
	written.Attributes = modeltest.RandomAttributes(random, 400)
	model := openModel(t, written.Write(t, t.TempDir()), mlcore.Options{})
	filters := make([]*mlcore.Filter, 8)
	expected := make([][]mlcore.Item, len(filters))
	for position := range filters {
		filters[position] = randomFilter(random, written.Attributes)
		options := mlcore.RecommendOptions{Fill: true, Filter: filters[position]}
		expected[position] = oracle(written, historyOf(written, position%4), 20, options)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for turn := range 50 {
				position := (worker + turn) % len(filters)
				options := mlcore.RecommendOptions{Fill: true, Filter: filters[position]}
				found, err := model.Recommend(written.Users[position%4], 20, options)
				if err != nil || !slices.EqualFunc(found, expected[position], func(a, b mlcore.Item) bool { return a.ID == b.ID }) {
					t.Errorf("%+v: expected %s, got %s, %v", filters[position], idsOf(expected[position]), idsOf(found), err)
					return
				}
			}
		}()
	}
	group.Wait()
}
