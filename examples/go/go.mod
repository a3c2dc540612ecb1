module example

go 1.24

require github.com/mlcore/mlcore/interop/go v0.0.0

replace github.com/mlcore/mlcore/interop/go => ../../interop/go
