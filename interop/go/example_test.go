package mlcore_test

import "fmt"
import mlcore "github.com/mlcore/mlcore/interop/go"

func Example() {
	model, err := mlcore.Open("../../fixtures/small/cosine_tf_idf/model", mlcore.Options{})
	if err != nil {
		panic(err)
	}
	defer model.Close()
	items, err := model.Recommend("u0002", 3, mlcore.RecommendOptions{})
	fmt.Println(items, err)
	// Output: [{0032 19 25.238584886048955 false []} {0052 31 19.763362084036174 false []} {0057 36 15.151872279261724 false []}] <nil>
}
