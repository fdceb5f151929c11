//! Tests of `dicom`.
