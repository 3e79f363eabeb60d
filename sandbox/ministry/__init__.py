"""The receiving desks: the Kho of the ministry and the Cổng of each Sở, one code for both."""
