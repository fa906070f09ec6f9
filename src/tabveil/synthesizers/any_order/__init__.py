"""An any-order autoregressive model of rows: columns of codes, network, training, drawing."""
