class QoSProfile: ...


qos_profile_sensor_data = QoSProfile()
