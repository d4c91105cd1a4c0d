module skiff/tests/clients/steps

go 1.26.0
