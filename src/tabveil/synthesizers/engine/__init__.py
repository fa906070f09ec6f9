"""What tabveil's own CTGAN and TVAE share: encoder, layout, training by sampling, drawing."""
