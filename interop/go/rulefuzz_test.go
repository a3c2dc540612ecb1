package mlcore

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
)

// FuzzRule takes any config.json, and numbers of the rule that need not be sound.
func FuzzRule(f *testing.F) {
	good := modeltest.Model{
		Items:      []string{"apple", "bread"},
		Users:      []string{"ann"},
		Similarity: [][]modeltest.Pair{{{Index: 1, Value: 1}}, {}},
		Histories:  [][]modeltest.Pair{{{Index: 0, Value: 1}}},
	}
	for _, name := range []string{"none", "tf_idf", "bm25", "log"} {
		for _, halfLife := range []string{"null", "1", "5e-324", "1e308"} {
			config := fmt.Sprintf(`{"aggregate": "sum", "weighting": {"name": %q, "k1": 1.2, "half_life_days": %s, `+
				`"reference_time": "2026-01-31T23:59:59.000000Z"}}`, name, halfLife)
			f.Add(config, 1.0, 1.0, int64(0), 2.0, int32(0))
			f.Add(config, math.NaN(), math.Inf(-1), int64(math.MinInt64), 1e308, int32(0))
			f.Add(config, -1.0, 0.0, int64(math.MaxInt64), 5e-324, int32(0))
			for _, decay := range []string{"none", "quadratic", "exponential"} {
				decaying := strings.Replace(config, "{", fmt.Sprintf(`{"history_decay": {"name": %q, "half_life_items": 2}, `, decay), 1)
				f.Add(decaying, 1.0, 1.0, int64(0), 2.0, int32(1))
				f.Add(decaying, 1.0, 1.0, int64(0), 5e-324, int32(2))
			}
		}
	}
	suiteFiles(f, configFile, func(data []byte) {
		f.Add(string(data), 1.0, 1.0, int64(0), 1.0, int32(0))
		f.Add(string(data), 1.0, 1.0, int64(0), 1.0, int32(1))
	})
	f.Fuzz(func(t *testing.T, config string, norm, factor float64, time int64, weight float64, place int32) {
		written := good
		written.Rule = &modeltest.Rule{Config: config}
		if place != 0 {
			written.Order = [][]int32{{place}}
		}
		if parsed, err := parseConfig([]byte(config), "x"); err == nil {
			if rule, err := parseRule(parsed, "x", place != 0); err == nil && rule.weighting == "bm25" {
				written.Rule.Norms, written.Rule.Factors = []float64{norm, 1}, []float64{factor, 1}
			} else if err == nil && rule.weighting == "tf_idf" {
				written.Rule.Factors = []float64{factor, 1}
			}
		}
		model, err := Open(written.Write(t, t.TempDir()), Options{})
		if err != nil {
			mustBeRefusal(t, err, VerdictManifest, VerdictVersion)
			return
		}
		defer model.Close()
		verified := model.Verify()
		items, err := model.Recommend("ann", 3, RecommendOptions{Explain: true})
		checkList(t, items, err, verified)
		for _, item := range []HistoryItem{{ID: "apple", Weight: weight}, {ID: "apple", Weight: weight, Time: UnixMicro(time)}} {
			for _, options := range []RecommendOptions{{Explain: true}, {Now: UnixMicro(time)}, {FinalWeights: true}} {
				items, err := model.RecommendHistory([]HistoryItem{item}, 3, options)
				if err != nil && VerdictOf(err) == VerdictRequest {
					continue
				}
				checkList(t, items, err, verified)
			}
		}
	})
}
