module github.com/mlcore/mlcore/interop/go

go 1.24
