// Five recommendations for a user: go run . MODEL USER
package main

import (
	"fmt"
	"log"
	"os"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

func main() {
	model, err := mlcore.Open(os.Args[1], mlcore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Recommend(os.Args[2], 5, mlcore.RecommendOptions{}))
}
