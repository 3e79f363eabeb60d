CREATE TABLE ministry_desk (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (space, desk)
);

CREATE TABLE ministry_account (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    user_name VARCHAR(200) NOT NULL,
    salt VARCHAR(64) NOT NULL,
    secret VARCHAR(64) NOT NULL,
    unit_code VARCHAR(64) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    profile VARCHAR(16) NOT NULL,
    allowed_ips JSON NOT NULL,
    level FLOAT NOT NULL,
    level_epoch FLOAT NOT NULL,
    PRIMARY KEY (space, desk, user_name)
);

CREATE TABLE ministry_token (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    user_name VARCHAR(200) NOT NULL,
    expires_epoch FLOAT NOT NULL,
    PRIMARY KEY (space, desk, token_hash)
);

CREATE TABLE ministry_unit (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    ma_truong VARCHAR(64) NOT NULL,
    ten_truong TEXT NOT NULL,
    ma_so_giao_duc VARCHAR(8) NOT NULL,
    ten_so_gd TEXT NOT NULL,
    ten_xa_phuong TEXT NOT NULL,
    ten_quan_huyen TEXT,
    ten_tinh_thanh_pho TEXT NOT NULL,
    so_hoc_ba INTEGER NOT NULL,
    PRIMARY KEY (space, desk, ma_truong)
);

CREATE TABLE ministry_certificate (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    messageid VARCHAR(36) NOT NULL,
    unit_code VARCHAR(64) NOT NULL,
    serial VARCHAR(80) NOT NULL,
    serial_key VARCHAR(80) NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    der BLOB NOT NULL,
    not_before VARCHAR(40) NOT NULL,
    not_after VARCHAR(40) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    provider VARCHAR(32) NOT NULL,
    state VARCHAR(16) NOT NULL,
    registered_at VARCHAR(40) NOT NULL,
    decided_at VARCHAR(40),
    reason TEXT,
    approved_at VARCHAR(40),
    replaced_at VARCHAR(40),
    request_hash VARCHAR(64) NOT NULL,
    findings JSON NOT NULL,
    PRIMARY KEY (space, desk, messageid)
);

CREATE INDEX ministry_certificate_by_serial ON ministry_certificate (space, desk, serial_key);

CREATE INDEX ministry_certificate_of_unit ON ministry_certificate (space, desk, unit_code, state);

CREATE TABLE ministry_package (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    messageid VARCHAR(36) NOT NULL,
    user_name VARCHAR(200) NOT NULL,
    unit_code VARCHAR(64) NOT NULL,
    nam_hoc INTEGER NOT NULL,
    request_hash VARCHAR(64) NOT NULL,
    content BLOB NOT NULL,
    size INTEGER NOT NULL,
    state VARCHAR(16) NOT NULL,
    received_epoch FLOAT NOT NULL,
    received_at VARCHAR(40) NOT NULL,
    due_epoch FLOAT NOT NULL,
    claimed_by VARCHAR(80),
    claim_until FLOAT,
    attempts INTEGER NOT NULL,
    faults INTEGER NOT NULL,
    reason TEXT,
    records INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    findings JSON NOT NULL,
    timings JSON NOT NULL,
    finished_epoch FLOAT,
    PRIMARY KEY (space, desk, messageid)
);

CREATE INDEX ministry_package_latest ON ministry_package (space, desk, received_epoch);

CREATE INDEX ministry_package_queue ON ministry_package (due_epoch, received_epoch) WHERE state IN ('cho', 'dang_kiem');

CREATE INDEX ministry_package_open_of_account ON ministry_package (space, desk, user_name) WHERE state IN ('cho', 'dang_kiem');

CREATE TABLE ministry_result (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    messageid VARCHAR(36) NOT NULL,
    number INTEGER NOT NULL,
    uuid TEXT,
    pupil_code TEXT,
    pupil_name TEXT,
    pupil_id TEXT,
    accepted INTEGER NOT NULL,
    findings JSON NOT NULL,
    PRIMARY KEY (space, desk, messageid, number)
);

CREATE TABLE ministry_record (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    uuid VARCHAR(36) NOT NULL,
    number BIGINT NOT NULL,
    school_code VARCHAR(64) NOT NULL,
    department_code VARCHAR(8) NOT NULL,
    school_year VARCHAR(16) NOT NULL,
    pupil_id VARCHAR(16) NOT NULL,
    pupil_code VARCHAR(64) NOT NULL,
    pupil_name TEXT NOT NULL,
    birth_date VARCHAR(10) NOT NULL,
    state VARCHAR(24) NOT NULL,
    xml BLOB NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    messageid VARCHAR(36) NOT NULL,
    accepted_at VARCHAR(40) NOT NULL,
    PRIMARY KEY (space, desk, uuid)
);

CREATE UNIQUE INDEX ministry_record_in_order ON ministry_record (space, desk, number);

CREATE UNIQUE INDEX ministry_record_one_alive ON ministry_record (space, desk, pupil_id, school_year) WHERE state IN ('CIRCULATING', 'REPORTED', 'RECALL_PENDING', 'LOCKED', 'CORRECTION_PENDING');

CREATE TABLE ministry_pupil (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    pupil_id VARCHAR(16) NOT NULL,
    name TEXT NOT NULL,
    sex VARCHAR(8) NOT NULL,
    birth_date VARCHAR(10) NOT NULL,
    pupil_code VARCHAR(64) NOT NULL,
    PRIMARY KEY (space, desk, pupil_id)
);

CREATE TABLE ministry_progress (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    school_code VARCHAR(64) NOT NULL,
    accepted BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    packages BIGINT NOT NULL,
    PRIMARY KEY (space, desk, school_code)
);

CREATE TABLE ministry_counter (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    name VARCHAR(16) NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (space, desk, name)
);

CREATE TABLE ministry_exchange (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    number BIGINT NOT NULL,
    service VARCHAR(64) NOT NULL,
    user_name VARCHAR(200),
    type VARCHAR(2),
    messageid VARCHAR(64),
    status INTEGER NOT NULL,
    error VARCHAR(16) NOT NULL,
    address VARCHAR(64) NOT NULL,
    space_time VARCHAR(40) NOT NULL,
    machine_time VARCHAR(40) NOT NULL,
    PRIMARY KEY (space, desk, number)
);

CREATE TABLE ministry_audit (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    number BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action VARCHAR(40) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    space_time VARCHAR(40) NOT NULL,
    machine_time VARCHAR(40) NOT NULL,
    record_uuid VARCHAR(36),
    old_state VARCHAR(24),
    new_state VARCHAR(24),
    digest VARCHAR(64),
    address VARCHAR(64),
    previous VARCHAR(64) NOT NULL,
    hash VARCHAR(64) NOT NULL,
    PRIMARY KEY (space, desk, number)
);

CREATE TABLE ministry_fault (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    "plan" JSON NOT NULL,
    PRIMARY KEY (space, desk)
);

CREATE TABLE ministry_look (
    space VARCHAR(64) NOT NULL,
    desk VARCHAR(64) NOT NULL,
    ticket VARCHAR(32) NOT NULL,
    visitor VARCHAR(64) NOT NULL,
    epoch FLOAT NOT NULL,
    shows_data INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (space, desk, ticket)
);
