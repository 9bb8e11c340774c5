//! Electors that are known to be bad, and the faults that show it.
