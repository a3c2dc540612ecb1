package modeltest

// Catalogued returns a model with a catalogue and a user u, who has h, which speaks for a, b, c, d and e with 5, 4, 3, 2 and 1.
//
//	      a    b    c    d    e    h
//	brand x    x    -    y    x    -
//	color red  blue red  -    red  -
//	from  -    10   -    10   20   -
//	until -    -    10   20   -    -
func Catalogued() *Model {
	row := []Pair{{Index: 0, Value: 5}, {Index: 1, Value: 4}, {Index: 2, Value: 3}, {Index: 3, Value: 2}, {Index: 4, Value: 1}}
	return &Model{
		Items:      []string{"a", "b", "c", "d", "e", "h"},
		Users:      []string{"u"},
		Similarity: [][]Pair{nil, nil, nil, nil, nil, row},
		Histories:  [][]Pair{{{Index: 5, Value: 1}}},
		Attributes: &Attributes{
			Columns: []string{"brand", "color"},
			Values:  []string{"blue", "red", "x", "y"},
			Codes:   [][]int32{{2, 2, -1, 3, 2, -1}, {1, 0, 1, -1, 1, -1}},
			From:    []int64{NoTime, 10, NoTime, 10, 20, NoTime},
			Until:   []int64{NoTime, NoTime, 10, 20, NoTime, NoTime},
		},
	}
}
