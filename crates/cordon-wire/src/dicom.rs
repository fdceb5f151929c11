//! The DICOM upper layer and the DIMSE command set.
